import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { Clearance, type ClearanceRules, Cleared } from '../../../../node/market/clearance.ts'
import type { KnownOffer } from '../../../../node/market/offer-book.ts'
import type { Listing } from '../../../../node/market/routing/candidate.ts'
import type { P2PHost } from '../../../../node/p2p/host.ts'
import { taskProtocol } from '../../../../node/tasks/protocol.ts'
import { covers, DATA_CLASSES, type DataClass } from '../../../../protocol/data-class.ts'
import type { TaskRequest } from '../../../../protocol/messages/task-request.ts'
import { sampleOffer, sampleRequest } from '../../../helpers/samples.ts'

const PEER = 'ab'.repeat(32)
const OTHER = 'cd'.repeat(32)
const ATTESTER = `0x${'11'.repeat(20)}`
const STRANGER = `0x${'22'.repeat(20)}`
const HOUR_MS = 3_600_000

interface World {
  declared: DataClass
  isWelcome: boolean
  bound: boolean | null
  stake: bigint
  ageMs: number
  certifier: string | null
  service: DataClass | null
  /** What hardware proved: nothing, something of late, something too long ago, or of another node. */
  attested: 'no' | 'yes' | 'over' | 'other'
}
const WORLD: World = {
  declared: 'PRIVATE',
  isWelcome: true,
  bound: true,
  stake: 0n,
  ageMs: 0,
  certifier: null,
  service: null,
  attested: 'no',
}
const RULES: ClearanceRules = { allow: [], minStake: 100n, enclaveAttesters: [ATTESTER] }

const listingOf = ({ declared }: World, peer = PEER): Pick<Listing, 'provider' | 'offer'> => ({
  provider: PEER,
  offer: {
    provider: peer,
    cid: '',
    offer: { ...sampleOffer, dataClass: declared },
    bytes: new Uint8Array(),
  } as KnownOffer,
})

function clearanceIn(world: World, rules: Partial<ClearanceRules> = {}): Clearance {
  return new Clearance(
    { ...RULES, ...rules },
    {
      isWelcome: () => world.isWelcome,
      standing: () => ({ stake: world.stake, bound: world.bound, atMs: 10 * HOUR_MS - world.ageMs }),
      certifierOf: () => world.certifier,
      attestationOf: () =>
        world.attested === 'no'
          ? null
          : {
              nodeKey: world.attested === 'other' ? OTHER : PEER,
              validUntilMs: 10 * HOUR_MS + (world.attested === 'over' ? 0 : 1),
            },
      serviceClass: () => world.service,
      clock: { nowMs: () => 10 * HOUR_MS },
    },
  )
}

const ceiling = (world: Partial<World>, rules: Partial<ClearanceRules> = {}) =>
  clearanceIn({ ...WORLD, ...world }, rules).ceiling(listingOf({ ...WORLD, ...world }))

const worlds: fc.Arbitrary<World> = fc.record({
  declared: fc.constantFrom(...DATA_CLASSES),
  isWelcome: fc.boolean(),
  bound: fc.constantFrom(true, false, null),
  stake: fc.bigInt(0n, 200n),
  ageMs: fc.constantFrom(0, HOUR_MS - 1, HOUR_MS, 2 * HOUR_MS),
  certifier: fc.constantFrom(null, ATTESTER, STRANGER),
  service: fc.constantFrom(null, ...DATA_CLASSES),
  attested: fc.constantFrom('no', 'yes', 'over', 'other'),
})

describe('clearance', () => {
  it('lets a peer have what its standing allows and its offer declares', () => {
    assert.equal(ceiling({}), 'SHARED')
    assert.equal(ceiling({ isWelcome: false }), 'PUBLIC')
    assert.equal(ceiling({ stake: 100n }), 'CONFIDENTIAL')
    assert.equal(ceiling({ stake: 99n }), 'SHARED')
    assert.equal(ceiling({ stake: 100n, bound: false }), 'SHARED')
    assert.equal(ceiling({ stake: 100n, ageMs: HOUR_MS }), 'SHARED')
    assert.equal(ceiling({ stake: 0n }, { minStake: 0n }), 'SHARED')
    assert.equal(ceiling({}, { allow: [PEER] }), 'CONFIDENTIAL')
    assert.equal(ceiling({}, { allow: [OTHER] }), 'SHARED')
    assert.equal(ceiling({ certifier: ATTESTER }), 'PRIVATE')
    assert.equal(ceiling({ certifier: STRANGER }), 'SHARED')
    assert.equal(ceiling({ certifier: ATTESTER, bound: null }), 'SHARED')
    assert.equal(ceiling({ certifier: ATTESTER }, { enclaveAttesters: [] }), 'SHARED')
    assert.equal(ceiling({ certifier: ATTESTER, declared: 'PUBLIC' }), 'PUBLIC')
    assert.equal(ceiling({ stake: 100n, declared: 'SHARED' }), 'SHARED')
    assert.equal(ceiling({ attested: 'yes', bound: null }), 'PRIVATE')
    assert.equal(ceiling({ attested: 'yes', declared: 'CONFIDENTIAL' }), 'CONFIDENTIAL')
    assert.equal(ceiling({ attested: 'yes', isWelcome: false }), 'PUBLIC')
    assert.equal(ceiling({ attested: 'over' }), 'SHARED')
    assert.equal(ceiling({ attested: 'other' }), 'SHARED')
  })

  it('lets this node have everything, and a service what its operator says', () => {
    const none = { offer: null }
    assert.equal(clearanceIn(WORLD).ceiling({ provider: 'local', ...none }), 'PRIVATE')
    for (const service of DATA_CLASSES)
      assert.equal(clearanceIn({ ...WORLD, service }).ceiling({ provider: 'cloud:x', ...none }), service)
    assert.equal(clearanceIn(WORLD).ceiling({ provider: 'cloud:x', ...none }), 'PUBLIC')
  })

  it("lets nobody have more for somebody else's offer", () => {
    const world = { ...WORLD, certifier: ATTESTER }
    assert.equal(clearanceIn(world).ceiling(listingOf(world, OTHER)), 'PUBLIC')
    assert.equal(clearanceIn(world).ceiling({ provider: PEER, offer: null }), 'PUBLIC')
  })

  it('never lets PRIVATE or CONFIDENTIAL content go where the rules do not say so, whatever is the case', () => {
    const rules = fc.record({
      allow: fc.constantFrom<string[]>([], [PEER], [OTHER]),
      minStake: fc.bigInt(0n, 200n),
      enclaveAttesters: fc.constantFrom<string[]>([], [ATTESTER]),
    })
    fc.assert(
      fc.property(worlds, rules, fc.constantFrom(...DATA_CLASSES), (world, rule, dataClass) => {
        const clearance = clearanceIn(world, rule)
        let isCleared = true
        try {
          clearance.clear({ dataClass }, listingOf(world))
        } catch (error) {
          assert.equal((error as { code: string }).code, 'NOT_CLEARED')
          isCleared = false
        }
        const isBound = world.bound === true && world.ageMs < HOUR_MS
        const isCertified =
          isBound && world.certifier !== null && rule.enclaveAttesters.includes(world.certifier)
        const isEnclave = isCertified || world.attested === 'yes'
        const isStaked = isBound && world.stake > 0n && world.stake >= rule.minStake
        const isTrusted = isEnclave || isStaked || rule.allow.includes(PEER)
        const allowed =
          dataClass === 'PUBLIC' ||
          (world.isWelcome &&
            covers(world.declared, dataClass) &&
            (dataClass === 'SHARED' || (dataClass === 'CONFIDENTIAL' ? isTrusted : isEnclave)))
        assert.equal(isCleared, allowed)
        assert.equal(covers(clearance.ceiling(listingOf(world)), dataClass), allowed)
      }),
    )
  })

  it('refuses a class it does not know', () => {
    const request = { dataClass: 'SECRET' as DataClass }
    assert.throws(() => clearanceIn(WORLD).clear(request, { provider: 'local', offer: null }), {
      code: 'NOT_CLEARED',
    })
  })

  describe('what was cleared', () => {
    const request: TaskRequest = { ...sampleRequest, dataClass: 'SHARED' }
    const cleared = clearanceIn(WORLD).clear(request, listingOf(WORLD))

    it('goes to its recipient alone', () => {
      assert.deepEqual(cleared.contentFor(PEER), request)
      assert.throws(() => cleared.contentFor(OTHER), /another recipient/)
      assert.deepEqual(taskProtocol.release(cleared, PEER), request)
      assert.throws(() => taskProtocol.release(cleared, OTHER), /another recipient/)
    })

    it('cannot be changed afterwards, and shows nothing of itself', () => {
      request.dataClass = 'PRIVATE'
      assert.equal(cleared.content.dataClass, 'SHARED')
      assert.throws(() => Object.assign(cleared.content, { dataClass: 'PUBLIC' }), TypeError)
      for (const shown of [JSON.stringify(cleared), inspect(cleared, { depth: 9, showHidden: true })])
        assert.ok(!shown.includes('2 + 2'), shown)
    })

    it('is the only way out, by type and at run time', () => {
      // Compiled and not run: each line must be an error.
      const compiled = (host: P2PHost) => async () => {
        const frames = await host.openStream(PEER, taskProtocol)
        // @ts-expect-error a bare request
        await frames.send(request)
        // @ts-expect-error something that looks like it
        await frames.send({ recipient: PEER, content: request, contentFor: () => request })
        // @ts-expect-error only clearance makes it
        return new Cleared(request, PEER)
      }
      assert.equal(typeof compiled, 'function')
      assert.throws(() => taskProtocol.release(request as never, PEER), /without clearance/)
      const forged = Object.create(Cleared.prototype, { recipient: { value: PEER } }) as Cleared<TaskRequest>
      assert.throws(() => taskProtocol.release(forged, PEER), TypeError)
      assert.deepEqual(taskProtocol.release({ kind: 'cancel' }, PEER), { kind: 'cancel' })
    })
  })
})
