import assert from 'node:assert/strict'
import type { SessionChannel } from '../../../../../node/gateway/web/src/wallet/channel-store.ts'
import type { ChainChannel } from '../../../../../node/gateway/web/src/wallet/contracts.ts'
import { personChannels } from '../../../../../node/gateway/web/src/wallet/person-channels.ts'

const id = (byte: string) => `0x${byte.repeat(32)}`
const node = `0x${'44'.repeat(20)}`
const channel: ChainChannel = {
  ...{ channelId: id('a1'), payer: `0x${'33'.repeat(20)}`, payee: node, signer: `0x${'55'.repeat(20)}` },
  ...{ deposit: 100n, claimed: 10n, expiresAtMs: 5_000, closesAtMs: null, status: 'open' },
}
const kept: SessionChannel = {
  ...{ channelId: channel.channelId, chainId: 1, settlement: node, payer: channel.payer, payee: node },
  ...{ signer: channel.signer, deposit: 100n, spent: 30n, signed: 30n, signature: '0x', salt: id('00') },
  ...{ expiresAtMs: 5_000, openedAtMs: 0, state: 'open' },
}
const at = { nowMs: 1_000, payee: node, keys: new Set([channel.channelId]) }
const one = (chain: Partial<ChainChannel>, rest: Partial<typeof at> = {}, known: SessionChannel[] = [kept]) =>
  personChannels([{ ...channel, ...chain }], known, { ...at, ...rest })[0]!

describe('channels of a person', () => {
  it('pay this node while they are open and their key is here', () => {
    const { ways, left, signed, isStranded } = one({})
    assert.deepEqual(
      [ways, left, signed, isStranded],
      [['pay', 'closeTogether', 'startClose'], 70n, 30n, false],
    )
  })

  it('are stranded without their key, or where they pay another node', () => {
    assert.deepEqual(one({}, { keys: new Set() }).ways, ['startClose'])
    assert.equal(one({}, { keys: new Set() }).isStranded, true)
    assert.deepEqual(one({ payee: channel.payer }).ways, ['startClose'])
    assert.equal(one({ payee: channel.payer }).isStranded, true)
  })

  it('take the chain’s word where more was claimed than this browser knows of', () => {
    assert.equal(one({ claimed: 60n }).left, 40n)
    assert.equal(one({}, {}, []).left, 90n)
    assert.equal(one({}, {}, [{ ...kept, signed: 900n }]).left, 0n)
  })

  it('can be taken back once the delay is over, or they have expired', () => {
    assert.deepEqual(one({ status: 'closing', closesAtMs: 2_000 }).ways, ['closeTogether', 'wait'])
    assert.deepEqual(one({ status: 'closing', closesAtMs: 2_000 }, { nowMs: 2_000 }).ways, ['finishClose'])
    assert.deepEqual(one({}, { nowMs: 5_000 }).ways, ['finishClose'])
    assert.deepEqual(one({ status: 'closed' }).ways, [])
    assert.equal(one({ status: 'closed' }).left, 0n)
  })

  it('are shown while they are being opened, and no longer once nothing can come of it', () => {
    const opening: SessionChannel = { ...kept, state: 'opening' }
    assert.equal(personChannels([], [opening], at)[0]?.state, 'opening')
    assert.deepEqual(personChannels([], [opening], { ...at, nowMs: 3_600_001 }), [])
    assert.equal(personChannels([channel], [opening], at).length, 1)
  })
})
