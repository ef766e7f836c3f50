import { isRecoveryPhrase, recoveryWordIndex } from '../../../payments/recovery-words.ts'
import { entropyBits } from './checks.ts'

/** A way to find one kind of thing: what looks like it, and which part of that is it. */
export interface Detector {
  pattern: RegExp
  /** What of a match is to go; null when it is none after all. Without it: the whole match. */
  part?(match: string, groups: readonly (string | undefined)[]): string | null
}

/** By what their issuers let keys begin with. */
const PREFIXED = [
  '(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{16}',
  'gh[pousr]_[A-Za-z0-9]{20,255}',
  String.raw`github_pat_\w{20,255}`,
  String.raw`glpat-[\w-]{20,64}`,
  'xox[abeoprs]-[A-Za-z0-9-]{10,250}',
  String.raw`AIza[\w-]{35}`,
  String.raw`ya29\.[\w-]{20,250}`,
  String.raw`sk-(?:ant-|proj-|or-)?[\w-]{20,250}`,
  '[rsp]k_(?:live|test)_[A-Za-z0-9]{10,250}',
  'whsec_[A-Za-z0-9]{20,250}',
  'hf_[A-Za-z0-9]{20,64}',
  'npm_[A-Za-z0-9]{30,64}',
  String.raw`pypi-[\w-]{50,250}`,
  String.raw`SG\.[\w-]{16,64}\.[\w-]{16,64}`,
  'dop_v1_[0-9a-f]{64}',
  'AGE-SECRET-KEY-1[A-Z0-9]{50,70}',
  // JSON Web Tokens (RFC 7519): three parts in base64url, the first an object.
  String.raw`eyJ[\w-]{8,4000}\.[\w-]{4,8000}\.[\w-]{0,2000}`,
]

const NAMED =
  'pass(?:word|wd|phrase|code)?|pwd|passwort|kennwort|mot de passe|contraseña|secret|token|api[ _-]?key|access[ _-]?key|auth[ _-]?key|private[ _-]?key|client[ _-]?secret|pin'

const PHRASE_WORDS = [24, 21, 18, 15, 12]

/** Keys, passwords and tokens, from the surest to what only looks like one. */
export const SECRET_DETECTORS: readonly Detector[] = [
  // A block that is cut off is one, too.
  {
    pattern:
      /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,20000}?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g,
  },
  { pattern: new RegExp(`(?<![A-Za-z0-9])(?:${PREFIXED.join('|')})`, 'g') },
  // User and password in a URL; what comes after the @ is no secret.
  {
    pattern: /([a-z][a-z0-9+.-]{1,20}:\/\/)([^\s:@/]{1,64}:[^\s@/]{1,128})@/gi,
    part: (_match, [, credentials]) => credentials ?? null,
  },
  { pattern: /\bBearer\s+([\w.~+/-]{16,4000}=*)/gi, part: (_match, [token]) => token ?? null },
  {
    pattern: new RegExp(
      String.raw`\b(?:\w{0,40}[_-])?(?:${NAMED})["']?\s{0,3}(?:[:=]|=>|\bis\b|\bist\b)\s{0,3}["'\x60]?([^\s"'\x60<>,;]{4,400})`,
      'gi',
    ),
    // `password: string` in a program is none.
    part: (_match, [value]) => (value === undefined || isPlainWord(value) || isCode(value) ? null : value),
  },
  // Private keys of wallets.
  { pattern: /\b(?:0x)?[0-9a-fA-F]{64}\b/g },
  {
    pattern: /\b[a-z]{3,8}(?:\s{1,3}[a-z]{3,8}){11,40}\b/g,
    part: match => mnemonicIn(match),
  },
  {
    pattern: /(?<![\w+/=-])[\w+/-]{32,4000}={0,2}(?![\w+/=-])/g,
    part: match => (looksRandom(match) ? match : null),
  },
]

/** The first recovery phrase (BIP-39, English) in a run of words, the longest that begins there. */
function mnemonicIn(run: string): string | null {
  // Words at even places, what is between them at odd ones.
  const parts = run.split(/(\s+)/)
  const indices = parts.filter((_, i) => i % 2 === 0).map(recoveryWordIndex)
  for (let from = 0; from < indices.length; from++) {
    const foreign = indices.findIndex((index, i) => i >= from && index < 0)
    const known = (foreign < 0 ? indices.length : foreign) - from
    const words = PHRASE_WORDS.find(
      count => count <= known && isRecoveryPhrase(indices.slice(from, from + count)),
    )
    if (words !== undefined) return parts.slice(2 * from, 2 * (from + words) - 1).join('')
  }
  return null
}

function isPlainWord(value: string): boolean {
  return /^\p{L}+[.!?)]*$/u.test(value)
}

/** An expression of a program, or what is put in a password's place. */
function isCode(value: string): boolean {
  return (
    /^(?:\[|\$\{|\{\{|<|process\.|os\.|\w+\(|[a-z]\w*\.[a-z]\w*(?:$|[.([]))/i.test(value) ||
    /^[\w-]+[()[\]{}|?]/.test(value)
  )
}

/** Letters of both cases, or hex, mixed with digits as no word or path is. */
function looksRandom(token: string): boolean {
  const digits = token.replace(/\D/g, '').length
  if (digits < 4 || !/[A-Za-z]/.test(token)) return false
  if (token.split(/[/_-]/).some(part => /^[A-Za-z]{4,}$/.test(part)) && token.split(/[/_-]/).length > 2)
    return false
  return entropyBits(token) >= (/^[0-9a-f]+$/i.test(token) ? 3 : 4)
}
