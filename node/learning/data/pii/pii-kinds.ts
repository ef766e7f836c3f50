/** What the filter looks for. Each is replaced by its name in brackets, as `[email]`. */
export const PII_KINDS = [
  'email',
  'phone',
  'iban',
  'card',
  'ip',
  'secret',
  'address',
  'name',
  'birthday',
  'id-number',
] as const

export type PiiKind = (typeof PII_KINDS)[number]

/** What is done about personal data: put its kind in its place, leave out the row, or keep it. */
export const PII_MODES = ['redact', 'drop', 'keep'] as const
export type PiiMode = (typeof PII_MODES)[number]
