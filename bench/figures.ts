/** What a benchmark hands back: names of `--json` and their values. */
export type Figures = Readonly<Record<string, number>>
