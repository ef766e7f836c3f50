import assert from 'node:assert/strict'
import { table } from '../../../../cli/ui/output.ts'
import { printable } from '../../../../cli/ui/terminal.ts'

const HEAD = ['PEER', 'ADDRESS', 'TASKS']
const ROWS = [
  ['12D3KooW…aaaa', '/ip4/127.0.0.1/tcp/4150', 7],
  ['12D3KooW…bbbb', '/ip4/10.0.0.1/tcp/1', 12],
]

describe('table', () => {
  it('aligns columns, numbers to the right', () => {
    assert.deepEqual(table(HEAD, ROWS).split('\n'), [
      'PEER           ADDRESS                  TASKS',
      '12D3KooW…aaaa  /ip4/127.0.0.1/tcp/4150      7',
      '12D3KooW…bbbb  /ip4/10.0.0.1/tcp/1         12',
    ])
  })

  it('leaves out what may be lacking, then makes blocks of the rows', () => {
    const narrow = table(HEAD, ROWS, { columns: 40, mayLack: ['TASKS'] }).split('\n')
    assert.equal(narrow[0], 'PEER           ADDRESS')
    assert.equal(narrow.at(-1), '(no room for TASKS; --json has all)')
    const blocks = table(HEAD, ROWS, { columns: 20, mayLack: ['TASKS'] })
    assert.equal(blocks.split('\n\n').length, 2)
    assert.match(blocks, /^ADDRESS {2}\/ip4\/10\.0\.0\.1\/tcp\/1$/m)
  })

  it('cannot be broken by what others call themselves', () => {
    const drawn = table(['MODEL'], [['evil\u001b[2J\nname']])
    assert.equal(drawn, 'MODEL\nevil␛[2J name')
  })
})

describe('printable', () => {
  it('shows control characters and keeps lines and tabs', () => {
    assert.equal(printable('a\tb\r\nc\u001b]52;c;x\u0007\u009b1m\u007f'), 'a\tb\nc␛]52;c;x␇�1m␡')
  })
})
