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
