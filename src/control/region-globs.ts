/** Which regions a token or certificate is good for. */

/** Whether a region id matches one of the globs, in which `*` stands for any run of characters. */
export function compileGlobs(globs: readonly string[]): (region: string) => boolean {
  const patterns = globs.map(glob => new RegExp(`^${glob.replace(/\*+/g, '.*')}$`, 's'))
  return region => patterns.some(pattern => pattern.test(region))
}
