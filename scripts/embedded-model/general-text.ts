import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { conversation } from './corpus/conversation.ts'
import { Random } from './corpus/random.ts'

/*
 * Makes the general text that adapters must not make a model worse at: chats of the validation split, which no embedded model
 * was trained on. `node scripts/embedded-model/general-text.ts` writes it anew.
 */

const SEED = 2_026
const CHATS = 96
const MAX_TURNS = 2
const FILE = fileURLToPath(new URL('../../inference/models/embedded/general-text.jsonl', import.meta.url))

/** One chat a line. */
export function generalText(): string {
  const random = new Random(SEED)
  const lines = new Set<string>()
  while (lines.size < CHATS) {
    const { system, turns } = conversation(random, 'validation', MAX_TURNS)
    const messages = [
      ...(system === undefined ? [] : [{ role: 'system', content: system }]),
      ...turns.flatMap(({ user, assistant }) => [
        { role: 'user', content: user },
        { role: 'assistant', content: assistant },
      ]),
    ]
    lines.add(JSON.stringify({ messages }))
  }
  return `${[...lines].join('\n')}\n`
}

if (import.meta.main) await writeFile(FILE, generalText())
