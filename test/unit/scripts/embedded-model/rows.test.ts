import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { TOKEN_CLASS } from '../../../../scripts/embedded-model/chat.ts'
import { Random } from '../../../../scripts/embedded-model/corpus/random.ts'
import { RowWriter } from '../../../../scripts/embedded-model/rows.ts'
import { TemporaryFolders } from '../../../helpers/temporary.ts'

const LENGTH = 32
const PADDING = 999

describe('RowWriter', () => {
  const folders = new TemporaryFolders()
  let path: string
  beforeEach(async () => {
    path = join(await folders.make(), 'rows')
  })
  after(() => folders.remove())

  /** Reads the chats back: runs of tokens between paddings, each a list of its own number. */
  async function chats(): Promise<number[][]> {
    const bytes = await readFile(`${path}.tokens.u16`)
    const classes = await readFile(`${path}.classes.u8`)
    assert.equal(bytes.length, 2 * classes.length)
    assert.equal(classes.length % LENGTH, 0)
    const found: number[][] = []
    for (let row = 0; row < classes.length; row += LENGTH) {
      let chat: number[] = []
      for (let i = row; i < row + LENGTH; i++) {
        const token = bytes.readUInt16LE(2 * i)
        assert.equal(token === PADDING, classes[i] === TOKEN_CLASS.padding)
        if (token === PADDING) {
          if (chat.length > 0) found.push(chat)
          chat = []
        } else chat.push(token)
      }
      if (chat.length > 0) found.push(chat)
    }
    return found
  }

  it('keeps every chat whole, in rows that are well filled', async () => {
    const random = new Random(4)
    const writer = new RowWriter({ path, length: LENGTH, padding: PADDING })
    const written = Array.from(
      { length: 400 },
      (_, id) => new Array(random.between(1, LENGTH)).fill(id) as number[],
    )
    for (const tokens of written) await writer.add({ tokens, classes: tokens.map(() => TOKEN_CLASS.prompt) })
    const digest = await writer.close()
    assert.match(digest, /^[0-9a-f]{64}$/)
    const byId = (a: number[], b: number[]) => (a[0] ?? 0) - (b[0] ?? 0)
    assert.deepEqual((await chats()).sort(byId), written)
    const used = written.reduce((sum, tokens) => sum + tokens.length, 0)
    assert.ok(used / (writer.rows * LENGTH) > 0.85, `${writer.rows} rows for ${used} tokens`)
  })

  it('writes a chat alone when asked to', async () => {
    const writer = new RowWriter({ path, length: LENGTH, padding: PADDING })
    for (const id of [1, 2]) await writer.addAlone({ tokens: [id], classes: [TOKEN_CLASS.answer] })
    await writer.close()
    assert.equal(writer.rows, 2)
    assert.deepEqual(await chats(), [[1], [2]])
  })

  it('refuses a chat longer than a row', async () => {
    const writer = new RowWriter({ path, length: LENGTH, padding: PADDING })
    const tokens = new Array(LENGTH + 1).fill(1) as number[]
    await assert.rejects(writer.add({ tokens, classes: tokens }), RangeError)
    await writer.close()
  })
})
