import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type Conversation,
  type Message,
  NO_OPTIONS,
  newConversation,
  pathOf,
  pathTo,
  siblingsOf,
  textToSend,
  withMessage,
} from '../../../../../node/gateway/web/src/pages/ask/model/conversation.ts'

function message(id: string, parentId: string | null, role: Message['role'] = 'user'): Message {
  return { id, parentId, role, text: id, attachments: [], answer: null }
}

const empty = () => newConversation('c', 'owner', 0, NO_OPTIONS)
const ids = (messages: readonly Message[]) => messages.map(({ id }) => id)

describe('a conversation', () => {
  it('is a tree of which one path is shown: the newest, until another is chosen', () => {
    let talk = empty()
    for (const each of [
      message('q1', null),
      message('a1', 'q1', 'assistant'),
      message('a2', 'q1', 'assistant'),
      message('q2', 'a2'),
    ])
      talk = withMessage(talk, each)
    assert.deepEqual(ids(pathOf(talk)), ['q1', 'a2', 'q2'])
    assert.deepEqual(ids(pathOf(talk, 'a2')), ['q1', 'a2'])
    assert.deepEqual(ids(siblingsOf(talk, talk.messages.a1!)), ['a1', 'a2'])
    talk = { ...talk, chosen: { ...talk.chosen, q1: 'a1' } }
    assert.deepEqual(ids(pathOf(talk)), ['q1', 'a1'])
    assert.deepEqual(ids(pathTo(talk, 'q2')), ['q1', 'a2', 'q2'])
    assert.equal(talk.title, 'q1')
  })

  it('loses no message, whatever is added where', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 30 }), parents => {
        let talk: Conversation = empty()
        parents.forEach((parent, place) => {
          const known = Object.keys(talk.messages)
          talk = withMessage(talk, message(`m${place}`, known[parent % (known.length + 1)] ?? null))
        })
        assert.equal(Object.keys(talk.messages).length, parents.length)
        for (const { id, parentId } of Object.values(talk.messages)) {
          const path = pathTo(talk, id)
          assert.equal(path.at(-1)?.id, id)
          assert.equal(path[0]?.parentId, null)
          assert.equal(path.at(-2)?.id ?? null, parentId)
        }
        if (parents.length > 0) assert.equal(pathOf(talk).at(-1)?.id, `m${parents.length - 1}`)
      }),
    )
  })

  it('sends attached texts in fences that they cannot end', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[`a\n]{0,20}$/), content => {
        const asked = { ...message('why?', null), attachments: [{ name: 'f.md', text: content }] }
        const [, fence] = /^f\.md:\n(`{3,})\n/.exec(textToSend(asked))!
        assert.ok(!content.includes(fence!))
        assert.ok(textToSend(asked).endsWith(`\n${content}\n${fence}\n\nwhy?`))
      }),
    )
  })
})
