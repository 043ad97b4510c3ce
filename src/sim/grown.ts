/** A larger typed array that begins with what the smaller one held. */
export function grown<T extends Float64Array | Uint8Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
