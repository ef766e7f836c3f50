import { MAX_TOKENS_PER_FRAME } from '../../protocol/limits.ts'
import type { ProviderFrame, TokenChance, TokenLogprobs } from '../../protocol/messages/provider-frame.ts'

type OutputFrame = Extract<ProviderFrame, { kind: 'output' }>

/** Half of what a frame may have: text and what is around chances has room beside them. */
const MAX_CHANCES_BYTES = 65_536
/** Keys, heads and number of one chance in CBOR. */
const CHANCE_BYTES = 32

/**
 * Output with the chances of its tokens, in as few frames as take it.
 * @param text of all tokens: what of it is certain is known with the last of them
 */
export function inFrames(
  tokens: readonly number[],
  text: string,
  logprobs: readonly TokenLogprobs[],
): OutputFrame[] {
  const frames: OutputFrame[] = []
  let frame = { kind: 'output' as const, tokens: [] as number[], text: '', logprobs: [] as TokenLogprobs[] }
  let bytes = 0
  for (const [place, token] of tokens.entries()) {
    const chances = logprobs[place]!
    const more = bytesOf(chances)
    if (frame.tokens.length === MAX_TOKENS_PER_FRAME || (bytes > 0 && bytes + more > MAX_CHANCES_BYTES)) {
      frames.push(frame)
      frame = { kind: 'output', tokens: [], text: '', logprobs: [] }
      bytes = 0
    }
    frame.tokens.push(token)
    frame.logprobs.push(chances)
    bytes += more
  }
  frame.text = text
  return [...frames, frame]
}

function bytesOf({ top, ...own }: TokenLogprobs): number {
  return [own, ...top].reduce((sum, chance: TokenChance) => sum + CHANCE_BYTES + chance.bytes.length, 0)
}
