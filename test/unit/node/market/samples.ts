import { createNativeNodeSigner } from '../../../../node/ed25519.ts'
import type { KnownOffer } from '../../../../node/market/offer-book.ts'
import type { ModelOffer, Offer } from '../../../../protocol/messages/offer.ts'
import { offerMessage } from '../../../../protocol/messages/offer.ts'
import { createRecord, type SignedRecord } from '../../../../protocol/signed.ts'
import { sampleOffer } from '../../../helpers/samples.ts'

/** A provider with a key of its own. */
export function providerSigner(index: number) {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, index + 1)
  return createNativeNodeSigner(seed)
}

export function signOffer(offer: Partial<Offer> = {}, signer = providerSigner(0)): SignedRecord<Offer> {
  return createRecord(offerMessage, { ...sampleOffer, ...offer }, signer)
}

function modelOffer(model: Partial<ModelOffer> = {}): ModelOffer {
  return { ...sampleOffer.models[0]!, ...model }
}

/** An offer as the book hands it out. */
export function knownOffer(provider: string, ...models: Partial<ModelOffer>[]): KnownOffer {
  const offer = { ...sampleOffer, models: models.map(modelOffer) }
  return { provider, cid: provider, offer, bytes: new Uint8Array() }
}
