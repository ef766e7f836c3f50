import { readFileSync, writeFileSync } from 'node:fs'
import { Point } from '@noble/ed25519'
import { sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { TypedDataEncoder } from 'ethers'
import { cidOf, encodeMessage } from '../../protocol/codec.ts'
import { createNodeSigner, verifyEd25519 } from '../../protocol/identity.ts'
import { peerIdFromPublicKey } from '../../protocol/ids.ts'
import { MAX_AMOUNT } from '../../protocol/limits.ts'
import { auditEventHash, auditEventMessage } from '../../protocol/messages/audit-event.ts'
import { auditScoresMessage } from '../../protocol/messages/audit-job.ts'
import { countersignatureMessage } from '../../protocol/messages/countersignature.ts'
import { offerMessage } from '../../protocol/messages/offer.ts'
import { END_REASONS, type Receipt, receiptMessage } from '../../protocol/messages/receipt.ts'
import { costRoundedUp } from '../../protocol/money.ts'
import { createRecord, signingInput } from '../../protocol/signed.ts'
import { channelIdOf, contractReceipt, RECEIPT_TYPES } from '../../protocol/typed-data.ts'
import { type Sample, sampleReceipt, sampleSigner, samples, seedOf } from '../helpers/samples.ts'
import { adaptedModelVectors } from './adapted-model.ts'
import { auditorDrawVectors } from './auditor-draw.ts'
import { awardVectors } from './award.ts'
import type { Ed25519Vector, Vectors } from './check.ts'
import { replicaVectors } from './replica.ts'
import { samplingVectors } from './sampling.ts'
import { ticketVectors } from './ticket.ts'

/**
 * Writes `test/vectors/*.json`: what another implementation must reproduce. Deterministic; run by hand
 * after a change of the protocol (`node test/vectors/generate.ts`), and by a test that compares.
 */
export function generateVectors(): Vectors {
  return {
    messages: samples.map(({ name, definition, value }) => {
      const bytes = encodeMessage(definition, value)
      return {
        name,
        type: definition.type,
        value: jsonForm(value),
        cbor: bytesToHex(bytes),
        cid: cidOf(bytes).toString(),
      }
    }),
    records: samples
      .filter(({ definition }) => signedTypes.has(definition.type))
      .map(({ name, definition, value }: Sample) => {
        const record = createRecord(definition, value, sampleSigner)
        return {
          name,
          type: definition.type,
          seed: bytesToHex(seedOf(1)),
          signer: record.signer,
          peerId: peerIdFromPublicKey(sampleSigner.publicKey),
          signingInput: bytesToHex(signingInput(definition.type, encodeMessage(definition, value))),
          record: bytesToHex(record.bytes),
          cid: record.cid,
          sha3_512: bytesToHex(auditEventHash(record.bytes)),
        }
      }),
    ed25519: ed25519Vectors(),
    costs: costVectors(),
    channelIds: [channelIdVector(31337, '22', '33', '44', '01'), channelIdVector(1, 'ff', '00', 'aa', 'fe')],
    ticket: ticketVectors(),
    awards: awardVectors(),
    'receipt-claim': receiptClaimVectors(),
    sampling: samplingVectors(),
    'adapted-model': adaptedModelVectors(),
    'auditor-draw': auditorDrawVectors(),
    replica: replicaVectors(),
  }
}

const signedTypes = new Set([
  offerMessage.type,
  receiptMessage.type,
  countersignatureMessage.type,
  auditEventMessage.type,
  auditScoresMessage.type,
])

/** Bigints as decimal strings and bytes as `hex:…`, for readers. */
function jsonForm(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, field: unknown) =>
      typeof field === 'bigint'
        ? field.toString()
        : field instanceof Uint8Array
          ? `hex:${bytesToHex(field)}`
          : field,
    ),
  )
}

function costVectors(): Vectors['costs'] {
  const cases: [bigint, bigint, number, number][] = [
    [0n, 0n, 10, 10],
    [1n, 0n, 1, 0],
    [1_000_000n, 2_000_000n, 3, 4],
    [999_999n, 1n, 1, 1],
    [999_999n, 2n, 1, 1],
    [250_000_000_000_000_000n, 1_000_000_000_000_000_000n, 21, 64],
    [10n ** 30n, 10n ** 30n, 131_072, 131_072],
  ]
  return cases.map(([inputPerMillion, outputPerMillion, inputTokens, outputTokens]) => ({
    inputPerMillion: inputPerMillion.toString(),
    outputPerMillion: outputPerMillion.toString(),
    inputTokens,
    outputTokens,
    cost: costRoundedUp({ inputPerMillion, outputPerMillion }, { inputTokens, outputTokens }).toString(),
  }))
}

/** Claims by ethers' `TypedDataEncoder`: another implementation than the protocol's. */
function receiptClaimVectors(): Vectors['receipt-claim'] {
  const all = 'ff'.repeat(32)
  const cases: [string, Partial<Receipt>][] = [
    ...END_REASONS.map((reason): [string, Partial<Receipt>] => [`ended by ${reason}`, { reason }]),
    ['a millisecond before the next second', { endedAtMs: 1_700_000_001_999 }],
    ['a task id that begins with zeros', { taskId: '01'.padStart(32, '0') }],
    [
      'all at its least',
      {
        taskId: '0'.repeat(32),
        promptTokens: 0,
        outputTokens: 0,
        amount: 0n,
        cumulativeAmount: 0n,
        startedAtMs: 0,
        endedAtMs: 0,
      },
    ],
    [
      'all at its greatest',
      {
        taskId: 'f'.repeat(32),
        payer: `0x${'ff'.repeat(20)}`,
        payee: `0x${'ff'.repeat(20)}`,
        chainId: Number.MAX_SAFE_INTEGER,
        settlement: `0x${'ff'.repeat(20)}`,
        channelId: `0x${all}`,
        model: `m@sha256:${all}`,
        output: `0x${all}`,
        promptTokens: Number.MAX_SAFE_INTEGER,
        outputTokens: Number.MAX_SAFE_INTEGER,
        amount: MAX_AMOUNT,
        cumulativeAmount: MAX_AMOUNT,
        endedAtMs: Number.MAX_SAFE_INTEGER,
      },
    ],
  ]
  return cases.map(([name, changes]) => {
    const receipt: Receipt = { ...sampleReceipt, ...changes }
    const members = contractReceipt(receipt)
    return {
      name,
      receipt: bytesToHex(encodeMessage(receiptMessage, receipt)),
      members: jsonForm(members) as Record<string, string | number>,
      claim: TypedDataEncoder.hashStruct('Receipt', RECEIPT_TYPES, members),
    }
  })
}

function channelIdVector(chainId: number, settlement: string, payer: string, payee: string, salt: string) {
  const address = (byte: string) => `0x${byte.repeat(20)}`
  const input = { chainId, settlement: address(settlement), payer: address(payer), payee: address(payee) }
  const saltWord = `0x${salt.repeat(32)}`
  return { ...input, salt: saltWord, channelId: channelIdOf(input, input.payer, input.payee, saltWord) }
}

const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n

const fromLittleEndian = (bytes: Uint8Array) =>
  bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
const toLittleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))

/** Honest signatures, and every known way in which two verifiers disagree about a crafted one. */
function ed25519Vectors(): Ed25519Vector[] {
  const vectors: Ed25519Vector[] = []
  const add = (name: string, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => {
    vectors.push({
      name,
      publicKey: bytesToHex(publicKey),
      message: bytesToHex(message),
      signature: bytesToHex(signature),
      valid: verifyEd25519(signature, message, publicKey),
    })
  }
  const message = utf8ToBytes('shoal')
  for (const byte of [1, 2, 255]) {
    const signer = createNodeSigner(seedOf(byte))
    const signature = signer.sign(message)
    add(`honest, seed ${byte}`, signer.publicKey, message, signature)
    add(`honest of another message, seed ${byte}`, signer.publicKey, utf8ToBytes('shoal!'), signature)
    const s = fromLittleEndian(signature.subarray(32))
    add(
      `S + L, seed ${byte}`,
      signer.publicKey,
      message,
      concatBytes(signature.subarray(0, 32), toLittleEndian(s + L)),
    )
    for (const bit of [0, 255, 256, 511]) {
      const flipped = signature.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      add(`bit ${bit} flipped, seed ${byte}`, signer.publicKey, message, flipped)
    }
  }

  const torsion = torsionPoints()
  const a = 123456789n
  const r = 987654321n
  const A = Point.BASE.multiply(a)
  const R = Point.BASE.multiply(r)
  const challenge = (encodedR: Uint8Array, encodedA: Uint8Array, text: Uint8Array) =>
    fromLittleEndian(sha512(concatBytes(encodedR, encodedA, text))) % L
  const signAs = (
    encodedR: Uint8Array,
    nonce: bigint,
    encodedA: Uint8Array,
    secret: bigint,
    text: Uint8Array,
  ) => concatBytes(encodedR, toLittleEndian((nonce + challenge(encodedR, encodedA, text) * secret) % L))

  torsion.forEach((T, i) => {
    add(`key of small order ${i}`, T.toBytes(), message, signAs(R.toBytes(), r, T.toBytes(), 0n, message))
    const mixedKey = A.add(T).toBytes()
    // The challenge decides whether the torsion cancels: try until both cases are there.
    for (const cancels of [true, false]) {
      for (let counter = 0; counter < 64; counter++) {
        const text = utf8ToBytes(`shoal ${counter}`)
        const k = challenge(R.toBytes(), mixedKey, text)
        if ((k % 8n === 0n) !== cancels) continue
        add(
          `key of mixed order ${i}, challenge ${cancels ? '' : 'not '}a multiple of 8`,
          mixedKey,
          text,
          signAs(R.toBytes(), r, mixedKey, a, text),
        )
        break
      }
    }
    const mixedR = R.add(T).toBytes()
    add(`R of mixed order ${i}`, A.toBytes(), message, signAs(mixedR, r, A.toBytes(), a, message))
    const smallR = T.toBytes()
    add(`R of small order ${i}`, A.toBytes(), message, signAs(smallR, 0n, A.toBytes(), a, message))
  })
  for (let extra = 0n; extra < 19n; extra++) {
    const encoded = toLittleEndian(P + extra)
    add(`key y = p + ${extra}`, encoded, message, signAs(R.toBytes(), r, encoded, 0n, message))
  }
  const identityPlusP = toLittleEndian(P + 1n)
  add('R = identity, y = p + 1', A.toBytes(), message, signAs(identityPlusP, 0n, A.toBytes(), a, message))
  const negativeZero = concatBytes(toLittleEndian(1n).slice(0, 31), Uint8Array.of(0x80))
  add(
    'key = identity with the sign bit',
    negativeZero,
    message,
    signAs(R.toBytes(), r, negativeZero, 0n, message),
  )
  add(
    'key not on the curve',
    toLittleEndian(2n),
    message,
    signAs(R.toBytes(), r, toLittleEndian(2n), 0n, message),
  )
  return vectors
}

/** The eight points of order dividing 8, from a point multiplied by L. */
function torsionPoints(): Point[] {
  for (let y = 3n; ; y++) {
    let point: Point
    try {
      point = Point.fromBytes(toLittleEndian(y))
    } catch {
      continue
    }
    const T = point.multiply(L - 1n, false).add(point)
    const points = [T]
    while (!points.at(-1)!.is0()) points.push(points.at(-1)!.add(T))
    if (points.length === 8) return points
  }
}

const directory = new URL('./', import.meta.url)

/** File names and contents, one file a group. */
export function vectorFiles(): Map<string, string> {
  return new Map(
    Object.entries(generateVectors()).map(([group, vectors]) => [
      `${group}.json`,
      `${JSON.stringify(vectors, null, 1)}\n`,
    ]),
  )
}

/** The committed text of a vector file. */
export function committedVectorFile(name: string): string {
  return readFileSync(new URL(name, directory), 'utf8')
}

if (import.meta.main) {
  for (const [name, text] of vectorFiles()) writeFileSync(new URL(name, directory), text)
}
