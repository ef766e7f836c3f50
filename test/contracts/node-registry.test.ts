import assert from 'node:assert/strict'
import {
  encodeBytes32String,
  MaxUint256,
  Signature,
  toBeHex,
  type Wallet,
  ZeroAddress,
  ZeroHash,
} from 'ethers'
import { nodeRegistryBytecode } from '../../node/chain/abi/bytecode/node-registry.ts'
import { nodeRegistryAbi } from '../../node/chain/abi/node-registry.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import {
  alice,
  bob,
  CREDIT,
  carol,
  session as court,
  DAY,
  deployer,
  deployShoal,
  HISTORY,
  MIN_HISTORY,
  MINIMUM_STAKES,
  type Shoal,
} from './test-chain.ts'

const KEY_A = toBeHex(0xaan, 32)
const KEY_B = toBeHex(0xbbn, 32)
const KYC = 1n
const CERTIFIED = 2n
const [ANONYMOUS, VERIFIED, ATTESTED] = [0n, 1n, 2n]
const MAX_HISTORY = BigInt(365 * DAY)
const EVIDENCE = toBeHex(0xe71de9cen, 32)
const ATTESTER = encodeBytes32String('Reef Identity')

const BIND_TYPES = {
  Bind: [
    { name: 'wallet', type: 'address' },
    { name: 'nodeKey', type: 'bytes32' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
}

describe('NodeRegistry', () => {
  let shoal: Shoal

  beforeEach(async () => {
    shoal = await deployShoal()
  })

  const nodeKeyOf = (wallet: Wallet) => shoal.nodeRegistry.view<string>('nodeKeyOf', wallet.address)
  const boundSince = (wallet: Wallet) => shoal.nodeRegistry.view('boundSince', wallet.address)
  const nonceOf = (wallet: Wallet) => shoal.nodeRegistry.view('nonces', wallet.address)
  const levelOf = (wallet: Wallet) => shoal.nodeRegistry.view('levelOf', wallet.address)

  describe('construction', () => {
    const deploy = (...args: unknown[]) =>
      shoal.chain.deploy(deployer, nodeRegistryAbi, nodeRegistryBytecode, args)

    it('fixes where the stakes are, and the bounds of a history', async () => {
      const { nodeRegistry, staking } = shoal
      assert.equal(await nodeRegistry.view('staking'), staking.address)
      assert.equal(await nodeRegistry.view('owner'), deployer.address)
      assert.equal(await nodeRegistry.view('minHistorySeconds'), BigInt(MIN_HISTORY))
      assert.equal(await nodeRegistry.view('historySeconds'), BigInt(HISTORY))
      assert.equal(await nodeRegistry.view('MAX_HISTORY_SECONDS'), MAX_HISTORY)
      assert.equal(await nodeRegistry.view('KYC'), KYC)
      assert.equal(await nodeRegistry.view('CERTIFIED'), CERTIFIED)
    })

    it('refuses no Staking, no owner, and histories out of bounds', async () => {
      const { address } = shoal.staking
      const owner = deployer.address
      await assertReverts(deploy(ZeroAddress, owner, 1n, 1n), 'ZeroAddress')
      await assertReverts(deploy(address, ZeroAddress, 1n, 1n), 'OwnableInvalidOwner', ZeroAddress)
      await assertReverts(deploy(address, owner, 0n, 1n), 'HistoryOutOfBounds', 0n, 1n, MAX_HISTORY)
      await assertReverts(deploy(address, owner, 5n, 4n), 'HistoryOutOfBounds', 4n, 5n, MAX_HISTORY)
      await assertReverts(
        deploy(address, owner, 5n, MAX_HISTORY + 1n),
        'HistoryOutOfBounds',
        MAX_HISTORY + 1n,
        5n,
        MAX_HISTORY,
      )
      await deploy(address, owner, MAX_HISTORY, MAX_HISTORY)
    })
  })

  describe('bind', () => {
    it('declares a key, replaces it, and says what it was', async () => {
      const { chain, nodeRegistry } = shoal
      assert.equal(await nodeKeyOf(alice), ZeroHash)
      assert.equal(await boundSince(alice), 0n)
      assertEvents(await nodeRegistry.send(alice, 'bind', KEY_A), [
        'NodeKeyBound',
        alice.address,
        KEY_A,
        ZeroHash,
      ])
      assert.equal(await nodeKeyOf(alice), KEY_A)
      assert.equal(await boundSince(alice), BigInt(chain.now))
      chain.now += 100
      assertEvents(await nodeRegistry.send(alice, 'bind', KEY_B), [
        'NodeKeyBound',
        alice.address,
        KEY_B,
        KEY_A,
      ])
      assert.equal(await nodeKeyOf(alice), KEY_B)
      assert.equal(await boundSince(alice), BigInt(chain.now))
    })

    it('can be repeated and keeps its date', async () => {
      const { chain, nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'bind', KEY_A)
      const since = await boundSince(alice)
      chain.now += 100
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assert.equal(await nodeKeyOf(alice), KEY_A)
      assert.equal(await boundSince(alice), since)
    })

    it('lets nobody keep others from a key by declaring or revoking it first', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(bob, 'bind', KEY_A)
      await nodeRegistry.send(carol, 'revoke', KEY_A)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assert.equal(await nodeKeyOf(alice), KEY_A)
      assert.equal(await nodeKeyOf(bob), KEY_A)
    })

    it('refuses no key', async () => {
      await assertReverts(shoal.nodeRegistry.send(alice, 'bind', ZeroHash), 'ZeroNodeKey')
    })
  })

  describe('bindFor', () => {
    interface BindMessage {
      wallet: string
      nodeKey: string
      nonce: bigint
      deadline: bigint
    }

    const messageOf = (changes: Partial<BindMessage> = {}): BindMessage => ({
      wallet: alice.address,
      nodeKey: KEY_A,
      nonce: 0n,
      deadline: BigInt(shoal.chain.now + 100),
      ...changes,
    })

    const domain = () => ({
      name: 'Shoal NodeRegistry',
      version: '1',
      chainId: shoal.chain.chainId,
      verifyingContract: shoal.nodeRegistry.address,
    })

    const sign = (message: BindMessage, signer = alice, changes = {}) =>
      signer.signTypedData({ ...domain(), ...changes }, BIND_TYPES, message)

    const relay = ({ wallet, nodeKey, deadline }: BindMessage, signature: string) =>
      shoal.nodeRegistry.send(bob, 'bindFor', wallet, nodeKey, deadline, signature)

    it('declares a key with the signature of the wallet, whoever brings it', async () => {
      const message = messageOf()
      const signature = await sign(message)
      assertEvents(await relay(message, signature), ['NodeKeyBound', alice.address, KEY_A, ZeroHash])
      assert.equal(await nodeKeyOf(alice), KEY_A)
      assert.equal(await nodeKeyOf(bob), ZeroHash)
      assert.equal(await nonceOf(alice), 1n)
      assert.equal(await nonceOf(bob), 0n)
    })

    it('says what to sign', async () => {
      const { wallet, nodeKey, nonce, deadline } = messageOf()
      const digest = await shoal.nodeRegistry.view<string>('bindDigest', wallet, nodeKey, nonce, deadline)
      const signature = alice.signingKey.sign(digest).serialized
      assert.equal(signature, await sign(messageOf()))
    })

    it('takes a signature once', async () => {
      const message = messageOf()
      const signature = await sign(message)
      await relay(message, signature)
      await assertReverts(relay(message, signature), 'BadSignature')
      const next = messageOf({ nonce: 1n, nodeKey: KEY_B })
      await relay(next, await sign(next))
      assert.equal(await nodeKeyOf(alice), KEY_B)
    })

    it('takes it up to its deadline', async () => {
      const message = messageOf()
      const signature = await sign(message)
      shoal.chain.now = Number(message.deadline) + 1
      await assertReverts(relay(message, signature), 'DeadlinePassed', message.deadline)
      shoal.chain.now = Number(message.deadline)
      await relay(message, signature)
    })

    it('takes none after the wallet decided otherwise', async () => {
      const { nodeRegistry } = shoal
      const message = messageOf({ nodeKey: KEY_B })
      const signature = await sign(message)
      const later = messageOf({ nodeKey: KEY_B, nonce: 1n })
      const laterSignature = await sign(later)
      const last = messageOf({ nodeKey: KEY_B, nonce: 2n })
      const lastSignature = await sign(last)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      await assertReverts(relay(message, signature), 'BadSignature')
      await nodeRegistry.send(alice, 'unbind')
      await assertReverts(relay(later, laterSignature), 'BadSignature')
      await nodeRegistry.send(alice, 'revoke', toBeHex(1n, 32))
      await assertReverts(relay(last, lastSignature), 'BadSignature')
      assert.equal(await nonceOf(alice), 3n)
    })

    it('takes none of another wallet, key, nonce, deadline, chain or contract', async () => {
      const message = messageOf()
      const wrong = [
        await sign(message, bob),
        await sign(messageOf({ wallet: bob.address })),
        await sign(messageOf({ nodeKey: KEY_B })),
        await sign(messageOf({ nonce: 1n })),
        await sign(messageOf({ deadline: message.deadline + 1n })),
        await sign(message, alice, { chainId: shoal.chain.chainId + 1 }),
        await sign(message, alice, { verifyingContract: shoal.staking.address }),
        await sign(message, alice, { name: 'Shoal Settlement' }),
        await sign(message, alice, { version: '2' }),
        '0x',
        `0x${'00'.repeat(65)}`,
      ]
      for (const signature of wrong) await assertReverts(relay(message, signature), 'BadSignature')
      assert.equal(await nonceOf(alice), 0n)
    })

    it('takes no malleable or shortened form of a good signature', async () => {
      const message = messageOf()
      const good = Signature.from(await sign(message))
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const high = toBeHex(order - BigInt(good.s), 32).slice(2)
      const flipped = `${good.r}${high}${good.v === 27 ? '1c' : '1b'}`
      await assertReverts(relay(message, flipped), 'BadSignature')
      await assertReverts(relay(message, good.compactSerialized), 'BadSignature')
      await assertReverts(relay(message, `${good.serialized}00`), 'BadSignature')
      await relay(message, good.serialized)
    })

    it('refuses what bind refuses, and a wallet of nobody', async () => {
      const { nodeRegistry } = shoal
      const zero = messageOf({ nodeKey: ZeroHash })
      await assertReverts(relay(zero, await sign(zero)), 'ZeroNodeKey')
      const nobody = messageOf({ wallet: ZeroAddress })
      await assertReverts(relay(nobody, `0x${'00'.repeat(65)}`), 'BadSignature')
      await nodeRegistry.send(alice, 'revoke', KEY_A)
      const revoked = messageOf({ nonce: 1n })
      await assertReverts(relay(revoked, await sign(revoked)), 'NodeKeyIsRevoked', KEY_A)
    })
  })

  describe('unbind, revoke and rotate', () => {
    const isRevoked = (wallet: Wallet, key: string) =>
      shoal.nodeRegistry.view<boolean>('isRevoked', wallet.address, key)

    it('takes a key away', async () => {
      const { nodeRegistry } = shoal
      await assertReverts(nodeRegistry.send(alice, 'unbind'), 'NotBound')
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assertEvents(await nodeRegistry.send(alice, 'unbind'), ['NodeKeyUnbound', alice.address, KEY_A])
      assert.equal(await nodeKeyOf(alice), ZeroHash)
      assert.equal(await boundSince(alice), 0n)
      assert.equal(await isRevoked(alice, KEY_A), false)
      await nodeRegistry.send(alice, 'bind', KEY_A)
    })

    it('gives the present key up for ever', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assertEvents(
        await nodeRegistry.send(alice, 'revoke', KEY_A),
        ['NodeKeyRevoked', alice.address, KEY_A],
        ['NodeKeyUnbound', alice.address, KEY_A],
      )
      assert.equal(await nodeKeyOf(alice), ZeroHash)
      assert.equal(await isRevoked(alice, KEY_A), true)
      assert.equal(await isRevoked(bob, KEY_A), false)
      await assertReverts(nodeRegistry.send(alice, 'bind', KEY_A), 'NodeKeyIsRevoked', KEY_A)
      await assertReverts(nodeRegistry.send(alice, 'revoke', KEY_A), 'NodeKeyIsRevoked', KEY_A)
      await nodeRegistry.send(alice, 'bind', KEY_B)
    })

    it('gives another key up and keeps the present one', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assertEvents(await nodeRegistry.send(alice, 'revoke', KEY_B), ['NodeKeyRevoked', alice.address, KEY_B])
      assert.equal(await nodeKeyOf(alice), KEY_A)
      await assertReverts(nodeRegistry.send(alice, 'revoke', ZeroHash), 'ZeroNodeKey')
    })

    it('gives the present key up for another in one', async () => {
      const { nodeRegistry } = shoal
      await assertReverts(nodeRegistry.send(alice, 'revokeAndBind', KEY_A), 'NotBound')
      await nodeRegistry.send(alice, 'bind', KEY_A)
      await assertReverts(nodeRegistry.send(alice, 'revokeAndBind', KEY_A), 'NodeKeyIsRevoked', KEY_A)
      await assertReverts(nodeRegistry.send(alice, 'revokeAndBind', ZeroHash), 'ZeroNodeKey')
      assertEvents(
        await nodeRegistry.send(alice, 'revokeAndBind', KEY_B),
        ['NodeKeyRevoked', alice.address, KEY_A],
        ['NodeKeyBound', alice.address, KEY_B, KEY_A],
      )
      assert.equal(await nodeKeyOf(alice), KEY_B)
      assert.equal(await isRevoked(alice, KEY_A), true)
      await assertReverts(nodeRegistry.send(alice, 'bind', KEY_A), 'NodeKeyIsRevoked', KEY_A)
    })
  })

  describe('levels', () => {
    const isVerified = (wallet: Wallet) => shoal.nodeRegistry.view<boolean>('isVerified', wallet.address)
    const [, PROVIDER_MINIMUM] = MINIMUM_STAKES
    const COMPUTE = 4n

    beforeEach(async () => {
      const { creditToken, staking } = shoal
      await creditToken.send(deployer, 'transfer', alice.address, 2n * PROVIDER_MINIMUM)
      await creditToken.send(alice, 'approve', staking.address, MaxUint256)
      await staking.send(deployer, 'announceCourt', court.address)
      await staking.send(alice, 'stake', PROVIDER_MINIMUM + CREDIT)
    })

    it('is verified with a role and one key for as long as a history', async () => {
      const { chain, nodeRegistry, staking } = shoal
      assert.equal(await levelOf(alice), ANONYMOUS)
      await staking.send(alice, 'setRoles', COMPUTE)
      assert.equal(await levelOf(alice), ANONYMOUS)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      chain.now += HISTORY - 1
      assert.equal(await levelOf(alice), ANONYMOUS)
      chain.now += 1
      assert.equal(await levelOf(alice), VERIFIED)
      assert.equal(await isVerified(alice), true)
      await staking.send(alice, 'setRoles', 0n)
      assert.equal(await levelOf(alice), ANONYMOUS)
      await staking.send(alice, 'setRoles', COMPUTE)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      assert.equal(await levelOf(alice), VERIFIED)
      await nodeRegistry.send(alice, 'bind', KEY_B)
      assert.equal(await levelOf(alice), ANONYMOUS)
      chain.now += HISTORY
      assert.equal(await levelOf(alice), VERIFIED)
      await nodeRegistry.send(alice, 'unbind')
      assert.equal(await levelOf(alice), ANONYMOUS)
    })

    it('is not verified by stake that is younger than a history', async () => {
      const { chain, creditToken, nodeRegistry, staking } = shoal
      await nodeRegistry.send(bob, 'bind', KEY_B)
      await creditToken.send(deployer, 'transfer', bob.address, PROVIDER_MINIMUM)
      await creditToken.send(bob, 'approve', staking.address, MaxUint256)
      chain.now += HISTORY
      await staking.send(bob, 'stake', PROVIDER_MINIMUM)
      await staking.send(bob, 'setRoles', COMPUTE)
      assert.equal(await levelOf(bob), ANONYMOUS)
      chain.now += HISTORY - 1
      assert.equal(await levelOf(bob), ANONYMOUS)
      chain.now += 1
      assert.equal(await levelOf(bob), VERIFIED)
    })

    it('is not verified for as long after a slash', async () => {
      const { chain, nodeRegistry, staking } = shoal
      await staking.send(alice, 'setRoles', COMPUTE)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      chain.now += HISTORY
      await staking.send(court, 'slash', alice.address, 1n, ZeroAddress, 0n)
      assert.equal(await staking.view<boolean>('isActive', alice.address, COMPUTE), true)
      assert.equal(await levelOf(alice), ANONYMOUS)
      chain.now += HISTORY - 1
      assert.equal(await levelOf(alice), ANONYMOUS)
      chain.now += 1
      assert.equal(await levelOf(alice), VERIFIED)
    })

    it('takes the length of a history from the owner, within bounds', async () => {
      const { chain, nodeRegistry, staking } = shoal
      await assertReverts(
        nodeRegistry.send(alice, 'setHistorySeconds', HISTORY),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
      const least = BigInt(MIN_HISTORY)
      for (const wrong of [least - 1n, MAX_HISTORY + 1n])
        await assertReverts(
          nodeRegistry.send(deployer, 'setHistorySeconds', wrong),
          'HistoryOutOfBounds',
          wrong,
          least,
          MAX_HISTORY,
        )
      await staking.send(alice, 'setRoles', COMPUTE)
      await nodeRegistry.send(alice, 'bind', KEY_A)
      chain.now += MIN_HISTORY
      assert.equal(await levelOf(alice), ANONYMOUS)
      assertEvents(await nodeRegistry.send(deployer, 'setHistorySeconds', least), ['HistorySet', least])
      assert.equal(await levelOf(alice), VERIFIED)
      await nodeRegistry.send(deployer, 'setHistorySeconds', MAX_HISTORY)
      assert.equal(await levelOf(alice), ANONYMOUS)
    })

    it('is attested without a stake, and still says whether it is verified', async () => {
      const { chain, nodeRegistry } = shoal
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await nodeRegistry.send(carol, 'attest', bob.address, KYC, chain.now + 100, EVIDENCE)
      assert.equal(await levelOf(bob), ATTESTED)
      assert.equal(await isVerified(bob), false)
      chain.now += 99
      assert.equal(await levelOf(bob), ATTESTED)
      chain.now += 1
      assert.equal(await levelOf(bob), ANONYMOUS)
    })
  })

  describe('attestations', () => {
    const attestationOf = async (wallet: Wallet, kind: bigint) => {
      const [attestation, counts] = await shoal.nodeRegistry.view<[unknown[], boolean]>(
        'attestationOf',
        wallet.address,
        kind,
      )
      return [...attestation, counts]
    }
    const attest = (attester: Wallet, kind: bigint, expiresAt = shoal.chain.now + 1_000, wallet = bob) =>
      shoal.nodeRegistry.send(attester, 'attest', wallet.address, kind, expiresAt, EVIDENCE)
    const nothing = [ZeroAddress, 0n, 0n, ZeroHash, false]

    it('come from attesters that the owner names', async () => {
      const { nodeRegistry } = shoal
      const set = (account: string, name: string, kinds: bigint) =>
        nodeRegistry.send(deployer, 'setAttester', account, name, kinds)
      await assertReverts(
        nodeRegistry.send(alice, 'setAttester', alice.address, ATTESTER, KYC),
        'OwnableUnauthorizedAccount',
        alice.address,
      )
      await assertReverts(set(ZeroAddress, ATTESTER, KYC), 'ZeroAddress')
      await assertReverts(set(carol.address, ZeroHash, KYC), 'ZeroName')
      await assertReverts(set(carol.address, ATTESTER, 4n), 'UnknownKind', 4n)
      await assertReverts(set(carol.address, ATTESTER, 255n), 'UnknownKind', 255n)
      assertEvents(await set(carol.address, ATTESTER, KYC | CERTIFIED), [
        'AttesterSet',
        carol.address,
        ATTESTER,
        KYC | CERTIFIED,
      ])
      const attester = async () => [...(await nodeRegistry.view<unknown[]>('attesterOf', carol.address))]
      assert.deepEqual(await attester(), [ATTESTER, KYC | CERTIFIED, 0n])
      assertEvents(await set(carol.address, ZeroHash, 0n), ['AttesterSet', carol.address, ZeroHash, 0n])
      assert.deepEqual(await attester(), [ZeroHash, 0n, 1n])
    })

    it('are of one kind, in the future, of somebody', async () => {
      const { chain, nodeRegistry } = shoal
      await assertReverts(attest(carol, KYC), 'NotAttester', KYC)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await assertReverts(attest(carol, CERTIFIED), 'NotAttester', CERTIFIED)
      for (const kind of [0n, 3n, 4n]) await assertReverts(attest(carol, kind), 'UnknownKind', kind)
      await assertReverts(attest(carol, KYC, chain.now), 'ExpiryNotInFuture', BigInt(chain.now))
      await assertReverts(
        nodeRegistry.send(carol, 'attest', ZeroAddress, KYC, chain.now + 1, EVIDENCE),
        'ZeroAddress',
      )
      const expiresAt = BigInt(chain.now + 1)
      assertEvents(await attest(carol, KYC, chain.now + 1), [
        'Attested',
        bob.address,
        KYC,
        carol.address,
        expiresAt,
        EVIDENCE,
      ])
      assert.deepEqual(await attestationOf(bob, KYC), [carol.address, expiresAt, 0n, EVIDENCE, true])
      assert.deepEqual(await attestationOf(bob, CERTIFIED), nothing)
      assert.deepEqual(await attestationOf(alice, KYC), nothing)
      chain.now += 1
      assert.deepEqual(await attestationOf(bob, KYC), [carol.address, expiresAt, 0n, EVIDENCE, false])
    })

    it('count for either kind', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, CERTIFIED)
      await attest(carol, CERTIFIED)
      assert.equal(await levelOf(bob), ATTESTED)
    })

    it('are renewed by their attester, and by another only when they count no more', async () => {
      const { chain, nodeRegistry } = shoal
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await nodeRegistry.send(deployer, 'setAttester', alice.address, ATTESTER, KYC)
      await attest(carol, KYC)
      await attest(carol, KYC, chain.now + 2_000)
      await assertReverts(attest(alice, KYC), 'AttestedByAnother', carol.address)
      chain.now += 2_000
      await attest(alice, KYC)
      assert.equal((await attestationOf(bob, KYC))[0], alice.address)
    })

    it('end with their attester, even when it is named anew', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await attest(carol, KYC)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, 0n)
      assert.equal(await levelOf(bob), ANONYMOUS)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      assert.equal(await levelOf(bob), ANONYMOUS)
      await attest(carol, KYC)
      assert.equal(await levelOf(bob), ATTESTED)
    })

    it('rest while their attester may not attest them', async () => {
      const { nodeRegistry } = shoal
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await attest(carol, KYC)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, CERTIFIED)
      assert.equal(await levelOf(bob), ANONYMOUS)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      assert.equal(await levelOf(bob), ATTESTED)
    })

    it('are taken back by their attester, dismissed or not, or by the wallet', async () => {
      const { nodeRegistry } = shoal
      const revoke = (caller: Wallet) => nodeRegistry.send(caller, 'revokeAttestation', bob.address, KYC)
      await assertReverts(revoke(bob), 'NoSuchAttestation')
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, KYC)
      await attest(carol, KYC)
      for (const stranger of [alice, deployer]) await assertReverts(revoke(stranger), 'NoSuchAttestation')
      assertEvents(await revoke(carol), ['AttestationRevoked', bob.address, KYC, carol.address])
      assert.deepEqual(await attestationOf(bob, KYC), nothing)
      await attest(carol, KYC)
      assertEvents(await revoke(bob), ['AttestationRevoked', bob.address, KYC, carol.address])
      await attest(carol, KYC)
      await nodeRegistry.send(deployer, 'setAttester', carol.address, ATTESTER, 0n)
      await revoke(carol)
    })
  })
})
