/** Luhn's check of card numbers (ISO/IEC 7812-1, annex B). @param digits nothing but digits */
export function isLuhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48
    const weighed = i % 2 === 1 ? digit * 2 : digit
    sum += weighed > 9 ? weighed - 9 : weighed
  }
  return sum % 10 === 0
}

/** Characters of an IBAN, country by country (SWIFT's registry of IBANs). */
const IBAN_LENGTHS = new Map(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20'
    .split(' ')
    .map(entry => [entry.slice(0, 2), Number(entry.slice(2))] as const),
)

/**
 * The IBAN a text begins with, as it is written there, with its spaces; null when there is none. Checked by the
 * country's length and the remainder by 97 (ISO 13616, ISO/IEC 7064).
 */
export function ibanAtStart(text: string): string | null {
  const length = IBAN_LENGTHS.get(text.slice(0, 2).toUpperCase())
  if (length === undefined) return null
  let compact = ''
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!
    if (character === ' ' || character === '-') continue
    compact += character.toUpperCase()
    if (compact.length === length) return hasRemainderOne(compact) ? text.slice(0, i + 1) : null
  }
  return null
}

function hasRemainderOne(iban: string): boolean {
  let remainder = 0
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36)
    if (Number.isNaN(value)) return false
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
  }
  return remainder === 1
}

/** Bits a character of a text carries by the frequencies of its characters (Shannon, 1948). */
export function entropyBits(text: string): number {
  const counts = new Map<string, number>()
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length)
  return bits
}
