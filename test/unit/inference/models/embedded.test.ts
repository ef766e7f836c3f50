import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import {
  getLlama,
  JinjaTemplateChatWrapper,
  type Llama,
  LlamaLogLevel,
  type LlamaModel,
  readGgufFileInfo,
} from 'node-llama-cpp'
import { Answerer } from '../../../../scripts/embedded-model/answerer.ts'
import { encodeChat, SPECIAL_TOKENS } from '../../../../scripts/embedded-model/chat.ts'
import { conversation } from '../../../../scripts/embedded-model/corpus/conversation.ts'
import { Random } from '../../../../scripts/embedded-model/corpus/random.ts'
import type { Report } from '../../../../scripts/embedded-model/report.ts'
import { Tokenizer } from '../../../../scripts/embedded-model/tokenizer/tokenizer.ts'

const folder = join(import.meta.dirname, '../../../../inference/models/embedded')
const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report
const MAX_TOTAL_BYTES = 16 * 1024 * 1024
const quiet = { gpu: false, build: 'never', maxThreads: 0, logLevel: LlamaLogLevel.error } as const

async function tokenizerOf(path: string): Promise<Tokenizer> {
  const { metadata } = await readGgufFileInfo(path)
  const { tokens, merges } = metadata.tokenizer.ggml as unknown as { tokens: string[]; merges: string[] }
  return new Tokenizer({ tokens, merges, firstSpecial: tokens.length - SPECIAL_TOKENS.length })
}

describe('the embedded models', () => {
  it('are the files of the report, and small', async () => {
    const files = (await readdir(folder)).filter(name => name.endsWith('.gguf'))
    assert.deepEqual(files.sort(), report.models.map(model => model.file).sort())
    let total = 0
    for (const { file, bytes, sha256 } of report.models) {
      const content = await readFile(join(folder, file))
      assert.equal(content.length, bytes)
      assert.equal(createHash('sha256').update(content).digest('hex'), sha256, file)
      total += bytes
    }
    assert.ok(total <= MAX_TOTAL_BYTES, `${total} bytes`)
  })

  it('have a card that tells the numbers of the report', async () => {
    const card = await readFile(join(folder, 'MODEL_CARD.md'), 'utf8')
    for (const { sha256, exact } of report.models) {
      assert.ok(card.includes(sha256))
      for (const { share } of Object.values(exact)) assert.ok(card.includes((100 * share).toFixed(1)))
    }
  })

  for (const { file } of report.models) {
    describe(file, () => {
      const path = join(folder, file)
      let llama: Llama
      let model: LlamaModel
      let tokenizer: Tokenizer
      before(async () => {
        llama = await getLlama(quiet)
        model = await llama.loadModel({ modelPath: path, vocabOnly: true })
        tokenizer = await tokenizerOf(path)
      })
      after(() => llama.dispose())

      it('says what it is', async () => {
        const { metadata } = await readGgufFileInfo(path)
        const general = metadata.general as unknown as Record<string, unknown>
        assert.equal(general.architecture, 'qwen3')
        assert.equal(general.license, 'apache-2.0')
        assert.deepEqual(general.languages, ['en'])
        assert.match(String(general.name), /^Shoal (Nano|Mini)$/)
        assert.match(String(general.size_label), /^[\d.]+M$/)
        assert.ok(
          Number((metadata as unknown as { qwen3: Record<string, unknown> }).qwen3.context_length) >= 1024,
        )
        assert.ok((await stat(path)).size < MAX_TOTAL_BYTES)
      })

      it('has the tokenizer it was trained with, token by token', () => {
        fc.assert(
          fc.property(fc.string({ unit: 'binary', maxLength: 40 }), text => {
            // llama.cpp ends a text at its first NUL.
            fc.pre(!text.includes('\0'))
            assert.deepEqual([...model.tokenize(text, false)], tokenizer.encode(text))
          }),
          { numRuns: 300 },
        )
      })

      it('has the chat template it was trained with', () => {
        const wrapper = new JinjaTemplateChatWrapper({
          template: String(model.fileInfo.metadata.tokenizer.chat_template),
        })
        const random = new Random(8)
        for (let i = 0; i < 25; i++) {
          const { system, turns } = conversation(random, 'test', 4)
          const open = turns.slice(0, -1)
          const last = turns.at(-1)
          assert.ok(last)
          const { contextText } = wrapper.generateContextState({
            chatHistory: [
              ...(system === undefined ? [] : [{ type: 'system' as const, text: system }]),
              ...open.flatMap(turn => [
                { type: 'user' as const, text: turn.user },
                { type: 'model' as const, response: [turn.assistant] },
              ]),
              { type: 'user', text: last.user },
              { type: 'model', response: [] },
            ],
          })
          const chat = encodeChat(tokenizer, { ...(system === undefined ? {} : { system }), turns })
          const answer = tokenizer.encode(last.assistant).length + 1 + tokenizer.encode('\n').length
          assert.deepEqual([...contextText.tokenize(model.tokenizer)], chat.tokens.slice(0, -answer))
        }
      })

      it('answers what a newcomer asks first', async () => {
        const answerer = await Answerer.load(path)
        try {
          const ask = (content: string) => [{ role: 'user' as const, content }]
          const [hello, shoal, sum, order, mood] = await answerer.answers([
            ask('hello'),
            ask('What is Shoal?'),
            ask('What is 17 + 25?'),
            ask('Sort 5, 3, 9'),
            ask('Is this positive or negative: I love this phone!'),
          ])
          assert.equal(hello, 'Hello! How can I help you?')
          assert.match(shoal ?? '', /^Shoal is a peer-to-peer network for AI work/)
          assert.equal(sum, '17 + 25 = 42')
          assert.equal(order, '3, 5, 9')
          assert.equal(mood, 'positive')
        } finally {
          await answerer.close()
        }
      })
    })
  }
})
