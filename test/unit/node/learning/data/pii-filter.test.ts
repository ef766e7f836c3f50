import { deepEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import { isLuhn } from '../../../../../node/learning/data/pii/checks.ts'
import { PiiFilter } from '../../../../../node/learning/data/pii/pii-filter.ts'
import type { PiiKind } from '../../../../../node/learning/data/pii/pii-kinds.ts'

/** Assembled here so that nobody's scanner takes this file for a leak. */
const join = (...parts: string[]) => parts.join('')

const FOUND: [PiiKind, string, string][] = [
  ['email', 'Write to anna.schmidt+news@mail.example.co.uk, please', 'Write to [email], please'],
  ['email', 'müller@exämple.de', '[email]'],
  ['email', 'jo [at] example [dot] org', '[email]'],
  ['phone', 'Call +49 30 901820 today', 'Call [phone] today'],
  ['phone', 'Call +1 (415) 555-0132 today', 'Call [phone] today'],
  ['phone', '(415) 555-0132 is hers', '[phone] is hers'],
  ['phone', '030 / 12 34 56 78', '[phone]'],
  ['phone', 'mobil 0171-2345678.', 'mobil [phone].'],
  ['phone', 'Tel.: 901820', 'Tel.: [phone]'],
  ['iban', 'IBAN DE89 3704 0044 0532 0130 00 at my bank', 'IBAN [iban] at my bank'],
  ['iban', 'GB82WEST12345698765432', '[iban]'],
  ['card', 'paid with 4111 1111 1111 1111, thanks', 'paid with [card], thanks'],
  ['card', '378282246310005', '[card]'],
  ['ip', 'from 203.0.113.77:8080', 'from [ip]:8080'],
  ['ip', 'from 2001:db8::8a2e:370:7334 on', 'from [ip] on'],
  ['id-number', 'SSN 536-90-4399', 'SSN [id-number]'],
  ['id-number', 'Passport No: C01X00T478', 'Passport No: [id-number]'],
  ['birthday', 'She was born on 12 March 1984 there', 'She was born on [birthday] there'],
  ['birthday', 'geb. 01.02.1990', 'geb. [birthday]'],
  ['address', 'I live at 1600 Amphitheatre Parkway, Mountain View, CA 94043', 'I live at [address]'],
  ['address', 'Sie wohnt Lindenstraße 12a, 10969 Berlin.', 'Sie wohnt [address].'],
  ['address', 'au 12 rue de la République, 75011 Paris', 'au [address]'],
  ['secret', `key ${join('AKIA', 'IOSFODNN7EXAMPLE')} leaked`, 'key [secret] leaked'],
  ['secret', join('gh', 'p_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'), '[secret]'],
  ['secret', join('sk-', 'proj-', 'abcDEF123456abcDEF123456abcDEF'), '[secret]'],
  [
    'secret',
    join('eyJhbGciOiJIUzI1NiJ9', '.', 'eyJzdWIiOiIxMjM0In0', '.', 'c2lnbmF0dXJlLW9mLWl0'),
    '[secret]',
  ],
  ['secret', 'password: hunter2!x', 'password: [secret]'],
  ['secret', 'DB_PASSWORD="s3cr3t-Value"', 'DB_PASSWORD="[secret]"'],
  ['secret', 'Mein Passwort ist Sommer2024', 'Mein Passwort ist [secret]'],
  ['secret', 'postgres://admin:tr0ub4dor@db.internal/x', 'postgres://[secret]@db.internal/x'],
  ['secret', `0x${'4f3a'.repeat(16)}`, '[secret]'],
  [
    'secret',
    join('-----BEGIN EC PRI', 'VATE KEY-----\nMHcCAQEEIIrY\nabcd\n-----END EC PRI', 'VATE KEY-----\nrest'),
    '[secret]\nrest',
  ],
  [
    'secret',
    'my words legal winner thank year wave sausage worth useful legal winner thank yellow',
    'my words [secret]',
  ],
  ['secret', 'token q8Zr1Lw0Xn5Vb3Tk7Yc2Hd9Sf4Gj6Pm8', 'token [secret]'],
]

const KEPT = [
  'The year 2024, and 2019-2020, were 1,234.56 apart.',
  'On 2024-03-12 at 12:30:45 we met; on 12.03.2024 again.',
  'Version 1.2.3.4000 of the library, and 10.0.26100.',
  'Pi is 3.14159265358979 and e is 2.718281828459045.',
  'localhost is 127.0.0.1, also ::1.',
  'Order 4111 1111 1111 1112 fails the check.',
  'interface Login { password: string; token?: string }',
  'const secret = process.env.SECRET',
  'The password is wrong.',
  // Twelve words of the list that are no phrase: their checksum is wrong.
  'legal winner thank year wave sausage worth useful legal winner thank year',
  'A sentence that has many little words from the list but does not make any sense at all.',
  'The file is src/components/navigation/SideBarNavigationItem.test.ts in the tree.',
  'https://example.org/a/long/path/to-some-page-that-has-words/and-more',
  '@mention and user@localhost stay, as do a@b.',
  'It costs 100 000 000 or 250.000.000 units.',
  'ISBN 978-3-16-148410-0 is a book.',
]

describe('the filter of personal data', () => {
  const filter = new PiiFilter()

  for (const [kind, text, expected] of FOUND) {
    it(`takes ${kind} from ${JSON.stringify(text.slice(0, 40))}`, () => {
      const { text: filtered, found } = filter.filter(text)
      equal(filtered, expected)
      deepEqual([...new Set(found.map(one => one.kind))], [kind])
    })
  }

  for (const text of KEPT) {
    it(`leaves ${JSON.stringify(text.slice(0, 40))}`, () => {
      equal(filter.filter(text).text, text)
    })
  }

  it('finds nothing in what it has filtered', () => {
    for (const [, text] of FOUND) {
      const once = filter.filter(text).text
      equal(filter.filter(once).text, once)
    }
  })

  it('never tells half of what it found', () => {
    for (const [, text] of FOUND) {
      for (const { hint } of filter.filter(text).found) {
        const shown = hint.slice(0, hint.indexOf('…'))
        ok(shown.length <= Number(/\((\d+)/.exec(hint)![1]) / 2, hint)
      }
    }
  })

  it('takes names it was told of, whole and by parts, and others only when asked', () => {
    const named = new PiiFilter({ names: ['Anna-Lena Ångström'] })
    equal(named.filter('Ångström met Anna-Lena and Annabel').text, '[name] met [name] and Annabel')
    equal(filter.filter('Dear Mrs. Baker').text, 'Dear Mrs. Baker')
    equal(new PiiFilter({ titledNames: true }).filter('Dear Mrs. Baker').text, 'Dear Mrs. [name]')
  })

  it('takes every card number whatever stands around it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 14, maxLength: 14 }),
        fc.constantFrom(' ', '-', ''),
        fc.constantFrom('a ', '(', 'no: ', '\n'),
        (digits, separator, before) => {
          const body = `4${digits.join('')}`
          const number = [...'0123456789'].map(check => body + check).find(isLuhn)!
          const written = number.match(/.{4}/g)!.join(separator)
          ok(!filter.filter(`${before}${written}.`).text.includes(written))
        },
      ),
    )
  })

  it('takes no longer for text that was made to keep it busy', () => {
    const hostile = [
      'a@'.repeat(20_000),
      '1 '.repeat(30_000),
      'aB3/'.repeat(15_000),
      'abandon '.repeat(8_000),
      ':'.repeat(60_000),
      `password ${'='.repeat(50_000)}`,
      '-----BEGIN PRIVATE KEY-----'.repeat(2_000),
      'Aa '.repeat(20_000),
    ]
    // Each at once in a regular engine; what backtracks without bound would outlast the test's own limit.
    for (const text of hostile) filter.filter(text)
  })
})
