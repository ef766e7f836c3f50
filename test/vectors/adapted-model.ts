import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { adaptedModelId } from '../../protocol/adapted-model.ts'
import type { ModelId } from '../../protocol/ids.ts'

/** What a base is called that wears adapters. */
export interface AdaptedModelVector {
  base: ModelId
  adapters: { id: ModelId; scale: number }[]
  model: ModelId
}

/** By the formula alone. */
export function adaptedModelVectors(): AdaptedModelVector[] {
  const digest = (text: string) => bytesToHex(sha256(utf8ToBytes(text)))
  const base = `shoal-mini-q8_0@sha256:${digest('base')}`
  const id = (name: string) => `${name}@sha256:${digest(name)}`
  const worn = [
    [{ id: id('law'), scale: 1 }],
    [
      { id: id('law'), scale: 1 },
      { id: id('own-letters'), scale: 1 },
    ],
    [
      { id: id('law'), scale: 1 },
      { id: id('own-letters'), scale: 0.5 },
    ],
    [
      { id: id('a'.repeat(40)), scale: 1 },
      { id: id('b'.repeat(40)), scale: 1 },
    ],
  ]
  return worn.map(adapters => {
    const isPlain = adapters.every(({ scale }) => scale === 1)
    const parts = adapters.map(({ id, scale }) => {
      const scaled = Buffer.alloc(8)
      scaled.writeDoubleBE(scale)
      return `${id.split(':')[1]}${isPlain ? '' : scaled.toString('hex')}`
    })
    const context = utf8ToBytes(isPlain ? 'shoal/1/adapted-model' : 'shoal/1/scaled-model')
    const hash = sha256(hexToBytes(`${bytesToHex(context)}00${base.split(':')[1]}${parts.join('')}`))
    const name = adapters.map(({ id }) => id.split('@')[0]).join('-')
    return { base, adapters, model: `${name.slice(0, 64)}@sha256:${bytesToHex(hash)}` }
  })
}

export function holdsAdaptedModel({ base, adapters, model }: AdaptedModelVector): boolean {
  return adaptedModelId(base, adapters) === model
}
