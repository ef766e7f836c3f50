import { createHash } from 'node:crypto'
import { HashSet } from './duplicates/hash-set.ts'

/** Of groups, how many are held out. */
const HELD_OUT_SHARE = 0.1
/** 64 MiB of hashes. */
const MAX_GROUPS = 4_000_000

/** Names a group by what it begins with, so that a conversation that has grown since is the same. */
export function groupOf(firstWords: readonly string[]): string {
  return createHash('sha256')
    .update('shoal/1/learning-group\0')
    .update(firstWords.join(' '))
    .digest('hex')
    .slice(0, 32)
}

/**
 * Which groups are held out: those whose name, read as a number, falls into the share, and, so that something is, the
 * lowest where there are at least two groups. Remembers no names.
 */
export class Split {
  readonly #known = new HashSet(MAX_GROUPS)
  #groups = 0
  #heldOutGroups = 0
  #heldOutRows = 0
  #rows = 0
  #lowest = { group: '', rows: 0 }
  #highest = { group: '', rows: 0 }

  /** Takes note of a row. */
  add(group: string): void {
    this.#rows++
    if (this.#known.add(Number.parseInt(group.slice(0, 8), 16), Number.parseInt(group.slice(8, 16), 16))) {
      this.#groups++
      if (isHeldOut(group)) this.#heldOutGroups++
      if (this.#lowest.group === '' || group < this.#lowest.group) this.#lowest = { group, rows: 0 }
      if (group > this.#highest.group) this.#highest = { group, rows: 0 }
    }
    if (isHeldOut(group)) this.#heldOutRows++
    if (group === this.#lowest.group) this.#lowest.rows++
    if (group === this.#highest.group) this.#highest.rows++
  }

  get groups(): number {
    return this.#groups
  }

  /** Once all rows are noted. */
  get heldOut(): { rows: number; groups: number } {
    if (this.#groups < 2) return { rows: 0, groups: 0 }
    if (this.#heldOutGroups === 0) return { rows: this.#lowest.rows, groups: 1 }
    if (this.#heldOutGroups < this.#groups) return { rows: this.#heldOutRows, groups: this.#heldOutGroups }
    return { rows: this.#rows - this.#highest.rows, groups: this.#groups - 1 }
  }

  /** Once all rows are noted: whether the rows of a group are held out. */
  isHeldOut(group: string): boolean {
    if (this.#groups < 2) return false
    if (this.#heldOutGroups === 0) return group === this.#lowest.group
    // Something must be left to learn from.
    return isHeldOut(group) && (this.#heldOutGroups < this.#groups || group !== this.#highest.group)
  }
}

function isHeldOut(group: string): boolean {
  return isInShare(group.slice(0, 8), HELD_OUT_SHARE)
}

/** Whether a name, of which eight hex digits are given, is among a share of all names. */
export function isInShare(digits: string, share: number): boolean {
  return Number.parseInt(digits, 16) < share * 2 ** 32
}
