import { deepEqual, equal, ok } from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TrainingRow } from '../../../../../node/learning/data/data-set.ts'
import { DEFAULT_INTAKE, Intake, type IntakeOptions } from '../../../../../node/learning/data/intake.ts'
import { TemporaryFolders } from '../../../../helpers/temporary.ts'

const folders = new TemporaryFolders()
after(() => folders.remove())

async function read(files: Record<string, string | Uint8Array>, options: Partial<IntakeOptions> = {}) {
  const folder = await folders.make()
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  const names = Object.keys(files)
  return readPath(names.length === 1 ? join(folder, names[0]!) : folder, options)
}

async function readPath(path: string, options: Partial<IntakeOptions> = {}) {
  const intake = new Intake({ ...DEFAULT_INTAKE, ...options })
  const rows: TrainingRow[] = []
  const groups: string[] = []
  for await (const { row, group } of intake.rows(path)) {
    rows.push(row)
    groups.push(group)
  }
  return { rows, groups, report: intake.report() }
}

const turn = (role: 'user' | 'assistant', content: string) => ({ role, content })

describe('formats of data to learn from', () => {
  it('are rows of JSON lines in the shapes other programs write', async () => {
    const lines = [
      { messages: [turn('user', 'What is the capital of Peru?'), turn('assistant', 'Lima')] },
      {
        conversations: [
          { from: 'human', value: 'Say the first letter' },
          { from: 'gpt', value: 'A' },
        ],
      },
      { prompt: 'One plus one is', completion: 'two' },
      { instruction: 'Translate into German', input: 'the house', output: 'das Haus' },
      { text: 'Text by itself is learnt from whole.' },
      { messages: [turn('user', 'Nobody answers this')] },
      { something: 'else' },
    ]
    const { rows, report } = await read({
      'rows.jsonl': `${lines.map(line => JSON.stringify(line)).join('\n')}\n{"broken\n`,
    })
    deepEqual(rows, [
      lines[0],
      { messages: [turn('user', 'Say the first letter'), turn('assistant', 'A')] },
      lines[2],
      { prompt: 'Translate into German\n\nthe house', completion: 'das Haus' },
      lines[4],
    ])
    deepEqual(report.dropped, { no_answer: 1, unknown_shape: 1, bad_json: 1 })
    deepEqual(report.formats, { jsonl: 1 })
  })

  it('are texts and Markdown, cut where they may be', async () => {
    const paragraph = 'The tide comes in twice a day, and whoever forgets it gets wet feet before noon. '
      .repeat(6)
      .trim()
    const markdown = `# Tides\n\n${paragraph}\n\n${paragraph.toUpperCase()}x\n\n## Code\n\n\`\`\`ts\nconst a = 1\n\nconst b = 2\n\`\`\`\n`
    const { rows, report } = await read({ 'tides.md': markdown })
    const texts = rows.map(row => ('text' in row ? row.text : ''))
    ok(texts.every(text => text.length <= 1_600))
    equal(texts.at(-1), '## Code\n\n```ts\nconst a = 1\n\nconst b = 2\n```')
    equal(report.groups, 1)
    deepEqual(report.formats, { markdown: 1 })
  })

  it('are conversations of ChatGPT, by the branch shown last', async () => {
    const node = (parent: string | null, role: string, text: string, extra = {}) => ({
      parent,
      message: { author: { role }, content: { content_type: 'text', parts: [text] }, ...extra },
    })
    const conversation = {
      title: 'Fish',
      current_node: 'd',
      mapping: {
        root: { parent: null, message: null },
        s: node('root', 'system', 'You are a model'),
        a: node('s', 'user', 'Why do fish swim together?'),
        b: node('a', 'assistant', 'An answer that was written anew'),
        c: node('a', 'assistant', 'So that each is harder to catch.'),
        t: node('c', 'tool', 'output of a tool'),
        d: node('t', 'assistant', 'And to find food.'),
      },
    }
    const circle = { current_node: 'x', mapping: { x: { parent: 'x', message: null } } }
    const { rows, report } = await read({
      'conversations.json': JSON.stringify([conversation, circle], null, 2),
    })
    deepEqual(rows, [
      {
        messages: [
          turn('user', 'Why do fish swim together?'),
          turn('assistant', 'So that each is harder to catch.\nAnd to find food.'),
        ],
      },
    ])
    deepEqual(report.formats, { chatgpt: 1 })
    deepEqual(report.dropped, { no_answer: 1 })
  })

  it('are conversations of Claude', async () => {
    const { rows, report } = await read({
      'conversations.json': JSON.stringify([
        {
          uuid: '1',
          chat_messages: [
            { sender: 'human', text: 'How deep is the sea?' },
            {
              sender: 'assistant',
              text: '',
              content: [{ type: 'text', text: 'Eleven kilometres at most.' }],
            },
          ],
        },
      ]),
    })
    deepEqual(rows, [
      { messages: [turn('user', 'How deep is the sea?'), turn('assistant', 'Eleven kilometres at most.')] },
    ])
    deepEqual(report.formats, { claude: 1 })
  })

  const WHATSAPP = [
    '12.03.24, 09:15 - Messages are end-to-end encrypted.',
    '12.03.24, 09:15 - Berta Lindqvist: Are you there?',
    '12.03.24, 09:16 - Cem: Yes,',
    'on two lines',
    '12.03.24, 09:17 - Berta Lindqvist: <Media omitted>',
    '13.03.24, 10:00 - Berta Lindqvist: Berta again, good morning to you all',
    '13.03.24, 10:01 - Cem: Morning',
  ].join('\n')

  it('are chats of WhatsApp, a day of which is a conversation; names go', async () => {
    const { rows, groups, report } = await read({ 'chat.txt': WHATSAPP })
    deepEqual(rows, [
      { text: 'Person 1: Are you there?\nPerson 2: Yes,\non two lines' },
      { text: 'Person 1: [name] again, good morning to you all\nPerson 2: Morning' },
    ])
    equal(new Set(groups).size, 2)
    deepEqual(report.people, ['Berta Lindqvist', 'Cem'])
    const ios = WHATSAPP.replace(/^(.*?) - /gm, '\u200e[$1:30] ')
    equal((await read({ 'ios.txt': ios })).rows.length, 2)
  })

  it('are chats in which the owner answers, once it is known who that is', async () => {
    const { rows } = await read({ 'chat.txt': WHATSAPP }, { me: 'Cem' })
    deepEqual(rows[0], {
      messages: [turn('user', 'Are you there?'), turn('assistant', 'Yes,\non two lines')],
    })
  })

  it('are exports of Telegram, Discord and Slack', async () => {
    const telegram = {
      name: 'All',
      chats: {
        list: [
          {
            id: 1,
            messages: [
              { type: 'service', date: '2024-01-01T08:00:00', action: 'joined' },
              {
                type: 'message',
                date: '2024-01-01T08:00:00',
                from: 'Dora',
                text: ['see ', { type: 'bold', text: 'this' }],
              },
              { type: 'message', date: '2024-01-01T08:01:00', from: 'Emil', text: 'seen, thank you' },
            ],
          },
          {
            id: 2,
            messages: [
              {
                type: 'message',
                date: '2024-01-01T08:02:00',
                from: 'Dora',
                text: 'another chat begins here',
              },
            ],
          },
        ],
      },
    }
    const discord = {
      guild: { id: '1' },
      messages: [
        {
          id: '1',
          timestamp: '2024-01-01T10:00:00+00:00',
          content: 'hello over there',
          author: { name: 'finn' },
        },
      ],
    }
    const slack = [{ type: 'message', ts: '1704103200.0001', user: 'U1', text: '<@U2> lunch at noon today?' }]
    const { rows, groups, report } = await read({
      'a/result.json': JSON.stringify(telegram, null, 1),
      'b/discord.json': JSON.stringify(discord),
      'c/2024-01-01.json': JSON.stringify(slack),
    })
    deepEqual(rows, [
      { text: 'Person 1: see this\nPerson 2: seen, thank you' },
      { text: 'Person 1: another chat begins here' },
      { text: 'Person 1: hello over there' },
      { text: 'Person 1: [name] lunch at noon today?' },
    ])
    equal(new Set(groups).size, 4)
    deepEqual(report.formats, { telegram: 1, discord: 1, slack: 1 })
  })

  it('are told by their content, in any encoding; the rest is named', async () => {
    const text = 'Größe und Länge sind nicht dasselbe, wie jeder Fischer weiß.'
    const { rows, report } = await read({
      'latin.txt': Buffer.from(text, 'latin1'),
      'wide.txt': Buffer.concat([Buffer.of(0xff, 0xfe), Buffer.from(`${text} Und noch etwas.`, 'utf16le')]),
      'lines.txt': `${JSON.stringify({ text: 'JSON lines in a file with another name' })}\n${JSON.stringify({ text: 'and a second line of it' })}\n`,
      'picture.md': Buffer.of(0x89, 0x50, 0, 1),
      'chats.json': Buffer.from('PK\u0003\u0004\0', 'latin1'),
      'sheet.csv': 'a,b',
      '.hidden/secret.txt': 'This is hidden and not looked at, whatever it is.',
    })
    deepEqual(
      rows.map(row => ('text' in row ? row.text : row)),
      [text, 'JSON lines in a file with another name', 'and a second line of it', `${text} Und noch etwas.`],
    )
    deepEqual(report.dropped, { archive: 1, binary: 1, unknown_type: 1 })
  })

  it('follow no links out of a folder', async () => {
    const folder = await folders.make()
    await symlink('/etc', join(folder, 'etc'))
    await writeFile(join(folder, 'a.txt'), 'Only this file is in the folder itself.')
    const { report } = await readPath(folder)
    deepEqual([report.rows, report.dropped], [1, { link: 1 }])
  })

  it('drop what has been there before, nearly or exactly, and say so', async () => {
    const long =
      'It was a quiet evening and the boats came back one after the other with hardly any fish in their nets, as so often.'
    const rows = [
      long,
      long.toUpperCase().replaceAll(',', ' –'),
      `${long} Indeed.`,
      `Another story begins here: ${long.slice(0, 40)}`,
    ]
    const files = { 'rows.jsonl': rows.map(text => JSON.stringify({ text })).join('\n') }
    deepEqual((await read(files)).report.dropped, { duplicate: 1, similar: 1 })
    deepEqual((await read(files, { keepSimilar: true })).report.dropped, { duplicate: 1 })
  })

  it('drop rows with personal data, or keep them, as told', async () => {
    const files = {
      'rows.jsonl': ['Write to anna@example.org about the boats', 'The boats are all in the harbour']
        .map(text => JSON.stringify({ text }))
        .join('\n'),
    }
    const redacted = await read(files)
    deepEqual(redacted.rows[0], { text: 'Write to [email] about the boats' })
    deepEqual(redacted.report.pii.found, { email: 1 })
    ok(!JSON.stringify(redacted.report).includes('anna@example.org'))
    const dropping = await read(files, { pii: 'drop' })
    deepEqual([dropping.report.rows, dropping.report.dropped], [1, { personal_data: 1 }])
    ok(!JSON.stringify(dropping.report).includes('anna@example.org'))
    deepEqual((await read(files, { pii: 'keep' })).rows[0], {
      text: 'Write to anna@example.org about the boats',
    })
  })

  it('hide nothing between two rows of a text', async () => {
    const key = `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${'MIIEowIBAAKCAQEAx0z9\n'.repeat(120)}-----END RSA ${'PRIVATE'} KEY-----`
    const { rows } = await read({
      'notes.txt': `My notes of yesterday evening.\n\n${key}\n\nAnd what came afterwards.`,
    })
    deepEqual(rows, [{ text: 'My notes of yesterday evening.\n\n[secret]\n\nAnd what came afterwards.' }])
  })

  it('end where they may not be larger', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 4 }, (_, i) => [`${i}.txt`, `File number ${i} of a few with some text in it.`]),
    )
    const { report } = await read(files, { maxBytes: 60 })
    deepEqual([report.rows, report.dropped], [2, { over_limit: 2 }])
  })
})
