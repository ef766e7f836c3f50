import { JSONParser } from '@streamparser/json'
import type { Piece } from './source.ts'
import { dropped } from './source.ts'

/** A member of a list in a JSON file. */
export interface JsonElement {
  value: unknown
  /** Its place in its list; 0 begins another list. */
  index: number
}

/** Lists in the exports known here; of a file that is a list itself, that one. */
const LISTS = ['$.messages.*', '$.chats.list.*.messages.*', '$.conversations.*', '$.data.*', '$.rows.*']
/** Of one member. */
const MAX_ELEMENT_CHARS = 32 * 1024 * 1024

/** Members of the lists of a JSON file, one after the other: the whole is never in memory. */
export async function* jsonElements(
  chunks: AsyncIterable<string>,
  isList: boolean,
): AsyncGenerator<JsonElement | Piece> {
  const parser = new JSONParser({ paths: isList ? ['$.*'] : LISTS, keepStack: false })
  let found: JsonElement[] = []
  let sinceLast = 0
  parser.onValue = ({ value, key }) => {
    found.push({ value, index: Number(key) })
    sinceLast = 0
  }
  for await (const chunk of chunks) {
    sinceLast += chunk.length
    try {
      parser.write(chunk)
    } catch (error) {
      yield* found
      yield dropped('bad_json', error instanceof Error ? error.message : String(error))
      return
    }
    yield* found
    found = []
    if (sinceLast > MAX_ELEMENT_CHARS) {
      yield dropped('too_long', `more than ${MAX_ELEMENT_CHARS} characters without the end of a message`)
      return
    }
  }
  if (!parser.isEnded) yield dropped('bad_json', 'the file ends too early')
}
