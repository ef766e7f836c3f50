import { AdapterError } from './errors.ts'

/** Names and short texts that an adapter's file carries; they come from strangers and are shown to people. */

const MAX_ENTRIES = 32
const MAX_VALUE_BYTES = 1_024
const NAME_PATTERN = /^[a-z0-9][a-z0-9._-]{0,63}$/
const ARCHITECTURE_PATTERN = /^[a-z0-9][a-z0-9_-]{0,31}$/
const KEY_PATTERN = /^[a-z0-9][a-z0-9._-]{0,47}$/
/** Controls, format characters (which reverse or hide text), private ones, unpaired surrogates, line breaks. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}\p{Zl}\p{Zp}]/u
/** A folder or file of some machine: nothing here is ever opened, and nothing should look as if it were. */
const PATH_LIKE = /^(?:[/\\~]|[a-z]:[\\/]|file:)|(?:^|[/\\])\.\.(?:[/\\]|$)/i

/** Whether an adapter may be called so. */
export function isName(name: string): boolean {
  return NAME_PATTERN.test(name)
}

/** @throws {AdapterError} BAD_METADATA */
export function checkName(name: string): void {
  if (!isName(name)) throw bad('name', 'is not made of 1 to 64 of a-z, 0-9, ".", "_" and "-"')
}

/** @throws {AdapterError} BAD_METADATA */
export function checkArchitecture(architecture: string): void {
  if (!ARCHITECTURE_PATTERN.test(architecture)) throw bad('architecture', 'is no name of an architecture')
}

/** @throws {AdapterError} BAD_METADATA */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata)
  if (entries.length > MAX_ENTRIES) throw bad('metadata', `has more than ${MAX_ENTRIES} entries`)
  for (const [key, value] of entries) {
    checkKey(key)
    if (Buffer.byteLength(value) > MAX_VALUE_BYTES) throw bad(key, `is longer than ${MAX_VALUE_BYTES} bytes`)
    if (UNPRINTABLE.test(value)) throw bad(key, 'holds characters that cannot be shown')
    if (PATH_LIKE.test(value)) throw bad(key, 'looks like a path')
  }
}

/** @throws {AdapterError} BAD_METADATA */
export function checkKey(key: string): void {
  if (!KEY_PATTERN.test(key))
    throw bad('metadata', 'has a key that is not made of a-z, 0-9, ".", "_" and "-"')
}

/** The message never quotes what was found: it may be made to harm whoever reads it. */
export function bad(what: string, problem: string): AdapterError {
  return new AdapterError('BAD_METADATA', `the adapter's ${what} ${problem}`, {
    fix: 'Use an adapter that was written by a current Shoal, or convert it with shoal learn train --initial.',
  })
}
