import assert from 'node:assert/strict'
import { copyable, invocation } from '../../../../cli/ui/hints.ts'

describe('copyable', () => {
  const inCheckout = { program: 'node cli/main.ts', data: '/srv/my node' }

  it('names the program as it was called, and the folder it was called for', () => {
    assert.equal(
      copyable('Run shoal init, then shoal audit verify --event 2.', inCheckout),
      "Run node cli/main.ts init --data '/srv/my node', then node cli/main.ts audit verify --data '/srv/my node' --event 2.",
    )
    assert.equal(
      copyable('shoal stake roles compute; shoal stake', { program: 'npx shoal', data: 'bob' }),
      'npx shoal stake roles --data bob compute; npx shoal stake --data bob',
    )
    assert.equal(
      copyable('shoal up, or shoal ask "…"', { program: 'shoal', data: null }),
      'shoal up, or shoal ask "…"',
    )
  })

  it('leaves alone what is no command, and what names a folder itself', () => {
    for (const text of ['a shoal of fish', 'shoal-nano', 'shoal upwards', 'shoal peers-list'])
      assert.equal(copyable(text, inCheckout), text)
    assert.equal(copyable('shoal up --data OTHER', inCheckout), 'node cli/main.ts up --data OTHER')
    assert.equal(copyable('shoal --help', inCheckout), 'node cli/main.ts --help')
  })

  it('finds painted commands', () => {
    const bold = '\u001b[1mshoal stop\u001b[22m'
    assert.equal(copyable(bold, { program: 'npx shoal', data: null }), '\u001b[1mnpx shoal stop\u001b[22m')
  })
})

describe('invocation', () => {
  const called = (script: string | undefined, environment: Record<string, string> = {}) =>
    invocation({ script, folder: '/home/ann/shoal', environment })

  it('is what was typed', () => {
    assert.equal(called('/usr/local/bin/shoal'), 'shoal')
    assert.equal(called('/home/ann/shoal/cli/main.ts'), 'node cli/main.ts')
    assert.equal(called('/opt/my shoal/cli/main.ts'), "node '/opt/my shoal/cli/main.ts'")
    assert.equal(
      called('/home/ann/shoal/cli/main.ts', { npm_lifecycle_event: 'shoal' }),
      'npm run -s shoal --',
    )
    assert.equal(called('/home/ann/.npm/shoal', { npm_lifecycle_event: 'npx' }), 'npx shoal')
  })
})
