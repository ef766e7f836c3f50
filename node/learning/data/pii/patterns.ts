import { isIPv6 } from 'node:net'
import { ibanAtStart, isLuhn } from './checks.ts'
import type { PiiKind } from './pii-kinds.ts'
import { type Detector, SECRET_DETECTORS } from './secrets.ts'

const DATE = String.raw`(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]{1,2}(?:\d{1,2}|\p{L}{3,9})[-/. ,]{1,2}\d{2,4}|\p{L}{3,9} \d{1,2}(?:st|nd|rd|th)?,? \d{4})`
const STREET_EN =
  'Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Square|Sq|Place|Pl|Terrace|Highway|Hwy|Parkway|Pkwy|Crescent|Close'
const STREET_FR = 'rue|avenue|boulevard|impasse|chemin|allée|quai|cours|route'
const STREET_SOUTH = 'Calle|Avenida|Avda\\.|Paseo|Plaza|Via|Viale|Piazza|Corso|Rua|Travessa|Praça|ulica|ul\\.'

/** What is looked for, in this order: what an earlier one takes no later one sees. */
export const PII_DETECTORS: readonly (readonly [PiiKind, readonly Detector[]])[] = [
  ['secret', SECRET_DETECTORS],
  [
    'email',
    [
      { pattern: /(?<![\p{L}\p{N}])[\p{L}\p{N}._%+'-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24}/gu },
      // Written so that programs do not find it.
      {
        pattern:
          /(?<![\p{L}\p{N}])[\p{L}\p{N}._%+-]{1,64}\s?[([{](?:at|ät)[)\]}]\s?[\p{L}\p{N}-]{1,63}(?:\s?(?:\.|[([{](?:dot|punkt)[)\]}])\s?[\p{L}\p{N}-]{1,63}){1,4}/giu,
      },
    ],
  ],
  [
    'iban',
    [
      {
        pattern: /(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}/g,
        part: match => ibanAtStart(match),
      },
    ],
  ],
  [
    'card',
    [
      {
        pattern: /(?<![\d.-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])/g,
        part: match => (isLuhn(match.replace(/\D/g, '')) ? match : null),
      },
    ],
  ],
  [
    'ip',
    [
      {
        pattern: /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d]|\.\d)/g,
        // Everybody has these.
        part: match => (/^(?:127\.|0\.0\.0\.0|255\.255)/.test(match) ? null : match),
      },
      {
        pattern: /(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])/gi,
        part: match => (isIPv6(match) && match.length > 5 ? match : null),
      },
    ],
  ],
  [
    'id-number',
    [
      // United States: social security numbers that can have been given out.
      { pattern: /(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])/g },
      {
        pattern:
          /\b(?:passport|passnummer|ausweis(?:nummer)?|personalausweis|steuer-?id|tax id|ssn|social security(?: number)?|sozialversicherungsnummer|insurance number|national id|nhs number|dni|nif|codice fiscale|pesel)(?: (?:no|nr|number|is|ist))?\.?\s{0,2}[:#]?\s{0,2}((?=[A-Z]{0,6}[ -]?\d)[A-Z0-9](?:[ -]?[A-Z0-9]){5,19})\b/gi,
        part: (_match, [number]) => number ?? null,
      },
    ],
  ],
  [
    'birthday',
    [
      {
        pattern: new RegExp(
          String.raw`\b(?:born(?: on)?|date of birth|d\.?o\.?b\.?|birthday|geboren(?: am)?|geb\.|geburtstag|geburtsdatum|née? le|fecha de nacimiento|data di nascita)(?: is| ist| war| was)?[:\s]{1,4}(${DATE})`,
          'giu',
        ),
        part: (_match, [date]) => date ?? null,
      },
    ],
  ],
  [
    'phone',
    [
      {
        pattern: /(?<![\w.+/-])(?:\+|00)[1-9][\d\s()./-]{6,22}\d(?!\w)/g,
        part: match => (hasDigits(match, 8, 15) ? match : null),
      },
      // Numbers within a country, as they are written in many: 0 first, or in three groups.
      {
        pattern: /(?<![\w.,+/:-])\(?0[1-9]\d{0,4}\)?[\s./-]{0,3}\d[\d\s/-]{3,14}\d(?![\w%]|[.,:]\d)/g,
        part: match => (hasDigits(match, 9, 13) && !isDate(match) ? match : null),
      },
      {
        pattern:
          /(?<![\w.,+/-])(?:1[-. ])?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[-. ])[2-9]\d{2}[-. ]\d{4}(?![\w-])/g,
      },
      {
        pattern:
          /\b(?:tel|phone|telephone|telefon|fon|fax|mobile|mobil|handy|cell|whatsapp|signal|call me (?:at|on)|text me (?:at|on))\.?(?: (?:no|nr|number|nummer|is|ist))?\.?[:\s]{1,3}([\d(][\d\s()./-]{4,20}\d)(?!\w)/gi,
        part: (_match, [number]) => (number !== undefined && hasDigits(number, 6, 15) ? number : null),
      },
    ],
  ],
  [
    'address',
    [
      {
        pattern: new RegExp(
          String.raw`(?<![\p{L}\p{N}])\d{1,5}[A-Za-z]? (?:[NSEW]\.? )?(?:\p{Lu}[\p{L}.'’-]{1,24} ){1,4}(?:${STREET_EN})\b\.?(?:,? (?:Apt|Apartment|Suite|Unit|Flat)\.? ?[\w-]{1,6})?(?:,? [\p{L} .'-]{2,30}?,? ?[A-Z]{2} \d{5}(?:-\d{4})?|(?:, \p{Lu}[\p{L}.'-]{1,20}){0,2})`,
          'gu',
        ),
      },
      {
        pattern:
          /(?<![\p{L}\p{N}])(?:\p{L}{2,20}-){0,3}\p{L}{2,30}(?:straße|strasse|str\.|gasse|weg|allee|platz|damm|ufer|chaussee|straat|laan|gracht|vägen|gatan|gata) ?\d{1,4} ?[a-z]?(?![\p{L}\p{N}])(?:,? (?:[A-Z]{1,2}-)?\d{4,5} \p{Lu}[\p{L}-]{1,30})?/giu,
      },
      {
        pattern:
          /(?<![\p{L}\p{N}])(?:\p{Lu}[\p{L}.-]{1,24}[ -]){1,3}(?:Straße|Strasse|Str\.|Allee|Platz|Weg) ?\d{1,4} ?[a-z]?(?![\p{L}\p{N}])(?:,? (?:[A-Z]{1,2}-)?\d{4,5} \p{Lu}[\p{L}-]{1,30})?/gu,
      },
      {
        pattern: new RegExp(
          String.raw`(?<![\p{L}\p{N}])\d{1,4}(?: bis| ter)?,? (?:${STREET_FR})(?: (?:de|du|des|de la|de l’|de l')){0,1} ?\p{L}[\p{L}’' -]{2,40}(?:, ?\d{5} \p{Lu}[\p{L}-]{1,30})?`,
          'giu',
        ),
      },
      {
        pattern: new RegExp(
          String.raw`(?<![\p{L}\p{N}])(?:${STREET_SOUTH}) (?:\p{L}[\p{L}.'’-]{0,24} ){1,5}?(?:n[º°.] ?)?\d{1,4}\b`,
          'gu',
        ),
      },
    ],
  ],
]

/** Names after a title or a salutation; only looked for when asked for. */
export const NAME_DETECTORS: readonly Detector[] = [
  {
    pattern:
      /\b(?:(?:Dear|Hi|Hello|Hallo|Liebe|Lieber|Hey|Regards|Cheers|Grüße|Gruß)[.,]?\s{1,2})?(?:(?:Mr|Mrs|Ms|Mx|Dr|Prof|Herr|Herrn|Frau|Hr|Fr|M|Mme|Mlle|Monsieur|Madame|Señora?|Sra?|Signora?)[.,]?\s{1,2}|(?<=(?:Dear|Hi|Hello|Hallo|Liebe|Lieber|Hey|Regards|Cheers|Grüße|Gruß)[.,]?\s{1,2}))((?:\p{Lu}[\p{L}'’-]{1,24})(?: \p{Lu}[\p{L}'’-]{1,24}){0,2})/gu,
    part: (_match, [name]) => name ?? null,
  },
  {
    pattern:
      /\b(?:my name is|I am called|ich heiße|mein Name ist|je m’appelle|je m'appelle|me llamo|mi chiamo)\s+((?:\p{Lu}[\p{L}'’-]{1,24})(?: \p{Lu}[\p{L}'’-]{1,24}){0,2})/giu,
    part: (_match, [name]) => name ?? null,
  },
]

function hasDigits(text: string, least: number, most: number): boolean {
  const digits = text.replace(/\D/g, '').length
  return digits >= least && digits <= most && !/\s{3}|\n/.test(text)
}

function isDate(text: string): boolean {
  return /^\D?\d{1,2}[./ -]\d{1,2}[./ -]\d{2,4}\D?$/.test(text)
}
