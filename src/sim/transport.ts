/**
 * The transport problem: the cheapest way to bring what places ask for to regions of limited room, by linear programming
 * (Hitchcock 1941; Dantzig 1951). Solved with HiGHS, which is loaded when it is first needed.
 */

import type { Highs, Model } from 'highs'

/**
 * One table of costs, to be solved for any demand and room: the next solution starts from the last one. Whoever makes one
 * closes it.
 */
export class TransportSolver {
  readonly #model: Model
  readonly #optimal: number
  readonly #places: number
  readonly #regions: number
  /** Place and region of each column, as its number in the table. */
  readonly #cells: Int32Array

  /** @param costs of one unit from a place to a region, place by place; infinite: not possible */
  constructor(highs: Highs, costs: Float64Array, places: number, regions: number) {
    this.#places = places
    this.#regions = regions
    this.#optimal = highs.constants.modelStatus.optimal
    this.#cells = Int32Array.from([...costs.keys()].filter(cell => costs[cell]! < Number.POSITIVE_INFINITY))
    const columns = this.#cells.length
    const rows = places + regions
    const indices = new Int32Array(2 * columns)
    this.#cells.forEach((cell, column) => {
      indices[2 * column] = Math.floor(cell / regions)
      indices[2 * column + 1] = places + (cell % regions)
    })
    this.#model = highs.createModel({
      numCols: columns,
      numRows: rows,
      colCost: Float64Array.from(this.#cells, cell => costs[cell]!),
      colLower: new Float64Array(columns),
      colUpper: new Float64Array(columns).fill(Number.POSITIVE_INFINITY),
      rowLower: new Float64Array(rows),
      rowUpper: new Float64Array(rows),
      matrix: {
        format: 'csc',
        numRows: rows,
        numCols: columns,
        starts: Int32Array.from({ length: columns + 1 }, (_, column) => 2 * column),
        indices,
        values: new Float64Array(2 * columns).fill(1),
      },
    })
    // There is nothing to presolve in it: looking for it takes several times as long as solving does.
    this.#model.options.set({ output_flag: false, presolve: 'off', solver: 'simplex' })
  }

  /**
   * @param demand what each place asks for, all of which is served
   * @param room the most that each region takes, in the same unit
   * @returns how much of each place goes to each region, place by place; undefined when there is not room enough
   */
  solve(demand: Float64Array, room: Float64Array): Float64Array | undefined {
    const lower = new Float64Array(this.#places + this.#regions)
    lower.set(demand)
    const upper = new Float64Array(lower.length)
    upper.set(demand)
    upper.set(room, this.#places)
    this.#model.changeRowsBounds({ kind: 'range', from: 0, to: lower.length - 1 }, lower, upper)
    this.#model.run()
    if (this.#model.getModelStatus() !== this.#optimal) return undefined
    const { colValue } = this.#model.getSolution()
    const amounts = new Float64Array(this.#places * this.#regions)
    this.#cells.forEach((cell, column) => {
      amounts[cell] = Math.max(0, colValue[column]!)
    })
    return amounts
  }

  /** Gives its memory back, which nobody else does. */
  close(): void {
    this.#model.dispose()
  }
}

/** The solver's engine: takes a moment to load, and serves any number of tables. */
export async function loadHighs(): Promise<Highs> {
  const { default: exported } = await import('highs')
  // The declared types are those of the package's CommonJS form, where the loader is one step further down.
  const load = exported as unknown as typeof exported.default
  return load()
}
