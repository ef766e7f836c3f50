/** A point to be minimised in three objectives. */
export type Point = readonly [number, number, number]

/**
 * Volume that points dominate up to a reference point (Zitzler & Thiele 1999), exactly: slices along the
 * third objective, each with the area of a staircase.
 * @param points those beyond the reference count nothing
 */
export function hypervolume(points: readonly Point[], reference: Point): number {
  const within = points
    .filter(point => point.every((value, k) => value < reference[k]!))
    .toSorted((a, b) => a[2] - b[2])
  let volume = 0
  /** Non-dominated in the first two, by rising first and falling second. */
  let stairs: Point[] = []
  within.forEach((point, i) => {
    if (!stairs.some(([x, y]) => x <= point[0] && y <= point[1])) {
      stairs = [...stairs.filter(([x, y]) => x < point[0] || y < point[1]), point].toSorted(
        (a, b) => a[0] - b[0],
      )
    }
    const depth = (within[i + 1]?.[2] ?? reference[2]) - point[2]
    if (depth > 0) volume += depth * area(stairs, reference)
  })
  return volume
}

function area(stairs: readonly Point[], reference: Point): number {
  let sum = 0
  let top = reference[1]
  for (const [x, y] of stairs) {
    sum += (reference[0] - x) * (top - y)
    top = y
  }
  return sum
}
