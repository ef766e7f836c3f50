import assert from 'node:assert/strict'
import { saysAsAsked } from '../../../../node/tasks/receipt-claims.ts'
import { sampleReceipt, sampleRequest } from '../../../helpers/samples.ts'

const digest = (byte: string) => `0x${byte.repeat(32)}`
const chat = { ...sampleRequest, jsonSchema: null }
const completion = { ...chat, input: { kind: 'completion', prompt: 'Once' } as const }
const embedding = { ...chat, input: { kind: 'embedding', inputs: ['a'] } as const } as never
const template = sampleReceipt.chatTemplate

describe('what a receipt says of how its output was made', () => {
  it('is taken where it is as asked', () => {
    assert.ok(saysAsAsked(sampleReceipt, chat, undefined))
    assert.ok(saysAsAsked(sampleReceipt, chat, template))
    assert.ok(saysAsAsked({ ...sampleReceipt, chatTemplate: null }, chat, null))
    assert.ok(saysAsAsked({ ...sampleReceipt, chatTemplate: null }, completion, template))
    const worn = { ...sampleReceipt, adapter: sampleReceipt.model }
    assert.ok(saysAsAsked(worn, chat, undefined, sampleReceipt.model))
    const byGrammar = { ...sampleReceipt, sampler: 'engine', prompt: null } as const
    assert.ok(saysAsAsked(byGrammar, { ...chat, jsonSchema: '{}' }, undefined))
  })

  it('says nothing of prompts and samplers where texts were embedded', () => {
    const embedded = { ...sampleReceipt, chatTemplate: null, prompt: null, sampler: 'engine' } as const
    assert.ok(saysAsAsked(embedded, embedding, undefined))
    assert.equal(saysAsAsked({ ...embedded, chatTemplate: template }, embedding, undefined), false)
    assert.equal(saysAsAsked({ ...embedded, sampler: 'gumbel-64/1' }, embedding, undefined), false)
    assert.equal(saysAsAsked({ ...embedded, prompt: sampleReceipt.prompt }, embedding, undefined), false)
    assert.equal(saysAsAsked({ ...embedded, adapter: sampleReceipt.model }, embedding, undefined), false)
  })

  it('is refused where it cannot be, or was not asked for', () => {
    const refused = (changes: Partial<typeof sampleReceipt>, request = chat, known?: string | null) =>
      assert.equal(saysAsAsked({ ...sampleReceipt, ...changes }, request, known), false)
    refused({ adapter: sampleReceipt.model })
    assert.equal(saysAsAsked(sampleReceipt, chat, undefined, sampleReceipt.model), false)
    refused({ prompt: null })
    refused({ sampler: 'engine' })
    refused({ chatTemplate: digest('66') }, chat, template)
    refused({ chatTemplate: null }, chat, template)
    refused({}, chat, null)
    refused({}, { ...completion, input: completion.input as never })
  })
})
