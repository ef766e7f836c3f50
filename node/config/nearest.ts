import { closest, distance } from 'fastest-levenshtein'

/** The known name a person most likely meant; null when none is near. */
export function nearest(name: string, known: readonly string[]): string | null {
  if (known.length === 0) return null
  const candidate = closest(name, [...known])
  return distance(name, candidate) <= Math.max(2, Math.ceil(name.length * 0.4)) ? candidate : null
}
