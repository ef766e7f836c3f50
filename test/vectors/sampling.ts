import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { seededRandom } from '../helpers/seeded-random.ts'

/** A position at which a token is sampled, and how another one stands there. */
export interface SamplingVector {
  name: string
  nonce: string
  taskId: string | null
  /** Of nonce and task id. */
  seed: string
  position: number
  temperature: number
  topK: number
  minP: number
  topP: number
  tokens: number[]
  logits: number[]
  /** u of the first candidate. */
  uniform: number
  chosen: number
  claimed: number
  /** Null: infinite. */
  margin: number | null
  state: string
}

type Parameters = Pick<SamplingVector, 'temperature' | 'topK' | 'minP' | 'topP'>

const OPEN: Parameters = { temperature: 1, topK: 0, minP: 0, topP: 1 }
const CASES: [string, Partial<Parameters>, { size?: number; position?: number; ties?: boolean }][] = [
  ['all 64 candidates', {}, {}],
  ['one candidate', {}, { size: 1 }],
  ['cold', { temperature: 0.1 }, {}],
  ['hot', { temperature: 5 }, {}],
  ['the likeliest', { temperature: 0 }, {}],
  ['the likeliest of equals', { temperature: 0 }, { ties: true }],
  ['top-k', { topK: 5 }, {}],
  ['top-k of one', { topK: 1 }, {}],
  ['min-p', { minP: 0.2 }, {}],
  ['min-p of one', { minP: 1 }, {}],
  ['top-p', { topP: 0.7 }, {}],
  ['top-p of none', { topP: 0 }, {}],
  ['all filters', { temperature: 0.8, topK: 40, minP: 0.02, topP: 0.9 }, {}],
  ['temperature before the filters', { temperature: 2.5, topK: 30, minP: 0.1, topP: 0.8 }, {}],
  ['equal logits', { topK: 6 }, { ties: true }],
  ['a position beyond 32 bits', {}, { position: 2 ** 32 + 5 }],
  ['a greatest position', {}, { position: Number.MAX_SAFE_INTEGER }],
]

/**
 * Vectors made by another implementation than the product's: plain arrays, BigInt words and the logarithm of
 * the engine that runs this, which is V8's and fdlibm's.
 */
export function samplingVectors(): SamplingVector[] {
  const random = seededRandom(7)
  const hex = (bytes: number) =>
    Array.from({ length: bytes }, () =>
      Math.floor(random() * 256)
        .toString(16)
        .padStart(2, '0'),
    ).join('')
  return CASES.flatMap(([name, changes, { size = 64, position = 3, ties = false }]) =>
    [hex(16), null].map(taskId => {
      const nonce = `0x${hex(32)}`
      const parameters = { ...OPEN, ...changes }
      const logits = Array.from({ length: size }, () => -8 * random())
        .map(logit => (ties ? Math.round(logit) : logit))
        .toSorted((a, b) => b - a)
      const tokens = new Set<number>()
      while (tokens.size < size) tokens.add(Math.floor(random() * 150_000))
      const seed = seedOf(nonce, taskId)
      const place = { seed, position, ...parameters, tokens: [...tokens], logits }
      const { chosen, scores } = reference(place)
      const claimed = [...tokens].find(token => token !== chosen && scores.has(token)) ?? [...tokens].at(-1)!
      const winner = scores.get(chosen)!
      const score = scores.get(claimed)
      return {
        name,
        nonce,
        taskId,
        ...place,
        uniform: uniform(seed, position, place.tokens[0]!),
        chosen,
        claimed,
        margin: score === undefined ? null : winner - score,
        state: score === undefined ? 'filtered' : claimed === chosen ? 'won' : 'lost',
      }
    }),
  )
}

function seedOf(nonce: string, taskId: string | null): string {
  const head = utf8ToBytes('shoal/1/sampling-seed')
  return `0x${bytesToHex(sha256(concatBytes(head, hexToBytes(`00${nonce.slice(2)}${taskId ?? '00'.repeat(16)}`))))}`
}

/** Which token is taken, and the score at temperature 1 of each that could have been. */
function reference(place: Parameters & Pick<SamplingVector, 'seed' | 'position' | 'tokens' | 'logits'>): {
  chosen: number
  scores: Map<number, number>
} {
  const { seed, position, temperature, topK, minP, topP } = place
  const sorted = place.tokens
    .map((token, i) => ({ token, logit: place.logits[i]! }))
    .toSorted((a, b) => b.logit - a.logit || a.token - b.token)
  if (temperature === 0)
    return { chosen: sorted[0]!.token, scores: new Map(sorted.map(({ token, logit }) => [token, logit])) }
  const greatest = sorted[0]!.logit
  const weighed = sorted.map(entry => ({
    ...entry,
    weight: Math.exp((entry.logit - greatest) / temperature),
  }))
  const few = topK === 0 ? weighed : weighed.slice(0, topK)
  const likely = few.filter(({ logit }) => minP === 0 || (logit - greatest) / temperature >= Math.log(minP))
  const total = likely.reduce((sum, { weight }) => sum + weight, 0)
  let sum = 0
  const kept = likely.filter(({ weight }, i) => {
    const isNeeded = topP === 1 || i === 0 || sum < topP * total
    sum += weight
    return isNeeded
  })
  const gumbel = (token: number) => -Math.log(-Math.log(uniform(seed, position, token)))
  const [first] = kept
    .map(({ token, logit }) => ({ token, score: logit / temperature + gumbel(token) }))
    .toSorted((a, b) => b.score - a.score || a.token - b.token)
  const scores = new Map(kept.map(({ token, logit }) => [token, logit + temperature * gumbel(token)]))
  return { chosen: first!.token, scores }
}

const WORD = 2n ** 32n

function uniform(seed: string, position: number, token: number): number {
  const digest = bytesToHex(sha256(hexToBytes(seed.slice(2) + position.toString(16).padStart(16, '0'))))
  const key = [BigInt(`0x${digest.slice(0, 8)}`), BigInt(`0x${digest.slice(8, 16)}`)] as const
  const [first, second] = threefry(key, [BigInt(token), 0n])
  return (Number(((first >> 6n) << 26n) | (second >> 6n)) + 0.5) / 2 ** 52
}

/** Threefry-2x32-20 as its authors write it down. */
function threefry(key: readonly [bigint, bigint], counter: readonly [bigint, bigint]): [bigint, bigint] {
  const rotations = [13n, 15n, 26n, 6n, 17n, 29n, 16n, 24n]
  const keys = [...key, key[0] ^ key[1] ^ 0x1bd11bdan]
  let x = (counter[0] + keys[0]!) % WORD
  let y = (counter[1] + keys[1]!) % WORD
  for (let round = 0; round < 20; round++) {
    const rotation = rotations[round % 8]!
    x = (x + y) % WORD
    y = (((y << rotation) | (y >> (32n - rotation))) % WORD) ^ x
    if (round % 4 === 3) {
      const injected = (round + 1) / 4
      x = (x + keys[injected % 3]!) % WORD
      y = (y + keys[(injected + 1) % 3]! + BigInt(injected)) % WORD
    }
  }
  return [x, y]
}
