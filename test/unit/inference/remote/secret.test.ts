import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { pino } from 'pino'
import { Secret } from '../../../../inference/remote/secret.ts'

describe('a secret', () => {
  it('shows itself to nobody who does not ask', () => {
    const secret = new Secret(' sk-very-secret\n')
    assert.equal(secret.reveal(), 'sk-very-secret')
    const lines: string[] = []
    pino({ level: 'trace' }, { write: line => void lines.push(line) }).info(
      { secret, deep: { secret } },
      `${secret}`,
    )
    const shown = [
      JSON.stringify({ secret }),
      String(secret),
      inspect({ secret }, { showHidden: true }),
      lines.join(),
    ]
    for (const text of shown) {
      assert.ok(!text.includes('very'), text)
      assert.match(text, /\[redacted\]/)
    }
  })

  it('is one line that a header can carry, and says so without itself', () => {
    for (const bad of ['', '  ', 'a\nb', 'a b', 'schlüssel', 'x'.repeat(5_000)])
      assert.throws(
        () => new Secret(bad),
        (error: Error) => error instanceof RangeError && (bad.trim() === '' || !error.message.includes(bad)),
      )
  })
})
