/**
 * IP addresses as the router carries them: parsed once at the door, four 32-bit words after that.
 *
 * Words rather than bytes because every use (table search, prefix arithmetic, hashing) works on words, and a small object
 * of integers is several times cheaper to make than a typed array.
 */

export class ClientAddress {
  readonly family: 4 | 6
  /** Most significant word first, as signed 32-bit integers. An IPv4 address is `w0` alone; the rest is 0. */
  readonly w0: number
  readonly w1: number
  readonly w2: number
  readonly w3: number

  constructor(family: 4 | 6, w0: number, w1 = 0, w2 = 0, w3 = 0) {
    this.family = family
    this.w0 = w0 | 0
    this.w1 = w1 | 0
    this.w2 = w2 | 0
    this.w3 = w3 | 0
  }
}
