import assert from 'node:assert/strict'
import { id, Signature, toBeHex, type Wallet, ZeroAddress, ZeroHash } from 'ethers'
import type { TransferAuthorization } from '../../protocol/authorizations.ts'
import { assertEvents, assertReverts } from './assertions.ts'
import { authorization, signAuthorization, signCancellation } from './authorizations.ts'
import {
  alice,
  bob,
  CREDIT,
  carol,
  deployer,
  deployShoal,
  type Shoal,
  type TestContract,
} from './test-chain.ts'
import { malleated } from './vouchers.ts'

const FUNDS = 10n * CREDIT
const NONCE = toBeHex(7n, 32)
/** A contract that confirms every signature: it answers any call with ERC-1271's selector. */
const CONFIRMING_CODE = '0x631626ba7e60e01b5f5260205ff3'
const CREATION_CODE = '0x600e600b5f39600e5ff3fe'

type Kind = 'transfer' | 'receive'

/** Both forms that each function has. */
const FORMS = ['v, r, s', 'bytes'] as const
type Form = (typeof FORMS)[number]

function tail(form: Form, signature: string): unknown[] {
  if (form === 'bytes') return [signature]
  const { v, r, s } = Signature.from(signature)
  return [v, r, s]
}

const TAIL_TYPES = { 'v, r, s': 'uint8,bytes32,bytes32', bytes: 'bytes' } as const
const MEMBERS = 'address,address,uint256,uint256,uint256,bytes32'

describe('EIP-3009 authorisations of credits', () => {
  let shoal: Shoal
  let creditToken: TestContract

  beforeEach(async () => {
    shoal = await deployShoal()
    creditToken = shoal.creditToken
    await creditToken.send(deployer, 'transfer', alice.address, FUNDS)
  })

  const tokens = (account: string) => creditToken.view('balanceOf', account)
  const isSpent = (nonce = NONCE, account = alice.address) =>
    creditToken.view<boolean>('authorizationState', account, nonce)
  const submitSigned = (
    sender: Wallet,
    kind: Kind,
    form: Form,
    message: TransferAuthorization,
    signatureParts: unknown[],
  ) => {
    const { from, to, value, validAfter, validBefore, nonce } = message
    return creditToken.send(
      sender,
      `${kind}WithAuthorization(${MEMBERS},${TAIL_TYPES[form]})`,
      ...[from, to, value, validAfter, validBefore, nonce],
      ...signatureParts,
    )
  }
  const submit = async (
    kind: Kind,
    form: Form,
    { sender = bob, signer = alice, signedKind = kind, change = {}, signed = {} } = {} as {
      sender?: Wallet
      signer?: Wallet
      signedKind?: Kind
      /** What is sent otherwise than signed. */
      change?: Partial<TransferAuthorization>
      signed?: Partial<TransferAuthorization>
    },
  ) => {
    const message = { ...authorization(shoal, alice.address, bob.address, CREDIT, NONCE), ...signed }
    const signature = await signAuthorization(shoal, signer, signedKind, message)
    return submitSigned(sender, kind, form, { ...message, ...change }, tail(form, signature))
  }

  it('have the selectors that other tokens have', () => {
    const selectors = {
      'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)':
        '0xe3ee160e',
      'receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)':
        '0xef55bec6',
      'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)': '0xcf092995',
      'receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)': '0x88b7ab63',
      'cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)': '0x5a049a70',
      'cancelAuthorization(address,bytes32,bytes)': '0xb7b72899',
      'authorizationState(address,bytes32)': '0xe94a0102',
    }
    for (const [signature, selector] of Object.entries(selectors)) {
      assert.equal(creditToken.abi.getFunction(signature)!.selector, selector, signature)
    }
    assert.equal(
      creditToken.abi.getEvent('AuthorizationUsed')!.topicHash,
      id('AuthorizationUsed(address,bytes32)'),
    )
  })

  for (const form of FORMS) {
    describe(`with the signature as ${form}`, () => {
      it('move credits once, whoever submits a transfer', async () => {
        const receipt = await submit('transfer', form, { sender: carol })
        assertEvents(
          receipt,
          ['AuthorizationUsed', alice.address, NONCE],
          ['Transfer', alice.address, bob.address, CREDIT],
        )
        assert.equal(await tokens(bob.address), CREDIT)
        assert.equal(await isSpent(), true)
        assert.equal(await isSpent(NONCE, bob.address), false)
        await assertReverts(
          submit('transfer', form, { sender: carol }),
          'AuthorizationSpent',
          alice.address,
          NONCE,
        )
        await submit('transfer', form, { signed: { nonce: ZeroHash } })
        assert.equal(await tokens(bob.address), 2n * CREDIT)
      })

      it('let only the receiver submit what is for it to submit', async () => {
        await assertReverts(submit('receive', form, { sender: carol }), 'OnlyReceiver', bob.address)
        await submit('receive', form)
        assert.equal(await tokens(bob.address), CREDIT)
        assert.equal(await isSpent(), true)
        await assertReverts(submit('receive', form), 'AuthorizationSpent', alice.address, NONCE)
        await assertReverts(submit('transfer', form), 'AuthorizationSpent', alice.address, NONCE)
      })

      it('count for one kind, and as signed', async () => {
        const refused = ['NotSignedByAuthorizer', alice.address] as const
        for (const kind of ['transfer', 'receive'] as const) {
          const signedKind = kind === 'transfer' ? 'receive' : 'transfer'
          await assertReverts(submit(kind, form, { signedKind }), ...refused)
          await assertReverts(submit(kind, form, { signer: carol }), ...refused)
          const changes: Partial<TransferAuthorization>[] = [
            { value: CREDIT + 1n },
            { validAfter: 0n },
            { validBefore: BigInt(shoal.chain.now + 1) },
            { nonce: ZeroHash as `0x${string}` },
          ]
          for (const change of changes) await assertReverts(submit(kind, form, { change }), ...refused)
          const from = carol.address as `0x${string}`
          await assertReverts(submit(kind, form, { change: { from } }), 'NotSignedByAuthorizer', from)
          await assertReverts(
            submit(kind, form, { change: { from: ZeroAddress } }),
            'NotSignedByAuthorizer',
            ZeroAddress,
          )
        }
        const to = carol.address as `0x${string}`
        await assertReverts(submit('transfer', form, { change: { to } }), ...refused)
        await assertReverts(submit('receive', form, { sender: carol, change: { to } }), ...refused)
        assert.equal(await isSpent(), false)
      })

      it('count after one second and before another', async () => {
        const { chain } = shoal
        const signed = { validAfter: BigInt(chain.now), validBefore: BigInt(chain.now + 2) }
        for (const kind of ['transfer', 'receive'] as const) {
          await assertReverts(submit(kind, form, { signed }), 'AuthorizationNotYetValid', signed.validAfter)
        }
        chain.now += 2
        for (const kind of ['transfer', 'receive'] as const) {
          await assertReverts(submit(kind, form, { signed }), 'AuthorizationExpired', signed.validBefore)
        }
        chain.now -= 1
        await submit('transfer', form, { signed })
      })

      it('move nothing that is not there, and stay good', async () => {
        const signed = { value: FUNDS + 1n }
        await assertReverts(
          submit('transfer', form, { signed }),
          'ERC20InsufficientBalance',
          alice.address,
          FUNDS,
          FUNDS + 1n,
        )
        assert.equal(await isSpent(), false)
        await creditToken.send(deployer, 'transfer', alice.address, 1n)
        await submit('transfer', form, { signed })
        assert.equal(await tokens(alice.address), 0n)
      })

      it('can be taken back by who signed, before they are used', async () => {
        const cancel = async (signer: Wallet, authorizer = alice.address, nonce = NONCE) =>
          creditToken.send(
            carol,
            `cancelAuthorization(address,bytes32,${TAIL_TYPES[form]})`,
            authorizer,
            nonce,
            ...tail(form, await signCancellation(shoal, signer, alice.address, NONCE)),
          )
        await assertReverts(cancel(bob), 'NotSignedByAuthorizer', alice.address)
        await assertReverts(cancel(alice, bob.address), 'NotSignedByAuthorizer', bob.address)
        await assertReverts(cancel(alice, alice.address, ZeroHash), 'NotSignedByAuthorizer', alice.address)
        assertEvents(await cancel(alice), ['AuthorizationCanceled', alice.address, NONCE])
        assert.equal(await isSpent(), true)
        for (const kind of ['transfer', 'receive'] as const) {
          await assertReverts(submit(kind, form), 'AuthorizationSpent', alice.address, NONCE)
        }
        await assertReverts(cancel(alice), 'AuthorizationSpent', alice.address, NONCE)
        assert.equal(await tokens(bob.address), 0n)
      })

      it('have one signature each: the malleated one is refused', async () => {
        const message = authorization(shoal, alice.address, bob.address, CREDIT, NONCE)
        const other = malleated(await signAuthorization(shoal, alice, 'transfer', message))
        const parts =
          form === 'bytes'
            ? [other]
            : [Number.parseInt(other.slice(130), 16), `0x${other.slice(2, 66)}`, `0x${other.slice(66, 130)}`]
        await assertReverts(
          submitSigned(bob, 'transfer', form, message, parts),
          'NotSignedByAuthorizer',
          alice.address,
        )
      })
    })
  }

  it('of a contract are asked of the contract, as bytes only', async () => {
    const { chain } = shoal
    const contract = await chain.deploy(deployer, [], CREATION_CODE + CONFIRMING_CODE.slice(2), [])
    const silent = shoal.auditAnchor
    for (const { address } of [contract, silent])
      await creditToken.send(alice, 'transfer', address, 3n * CREDIT)
    const message = authorization(shoal, contract.address, bob.address, CREDIT, NONCE)
    for (const kind of ['transfer', 'receive'] as const) {
      const nonce = toBeHex(kind === 'transfer' ? 1n : 2n, 32) as `0x${string}`
      await submitSigned(bob, kind, 'bytes', { ...message, nonce }, ['0x1234'])
      const signature = await signAuthorization(shoal, alice, kind, message)
      await assertReverts(
        submitSigned(bob, kind, 'v, r, s', message, tail('v, r, s', signature)),
        'NotSignedByAuthorizer',
        contract.address,
      )
      const other = { ...message, from: silent.address as `0x${string}` }
      await assertReverts(
        submitSigned(bob, kind, 'bytes', other, [signature]),
        'NotSignedByAuthorizer',
        silent.address,
      )
    }
    assert.equal(await tokens(bob.address), 2n * CREDIT)
    await creditToken.send(carol, 'cancelAuthorization(address,bytes32,bytes)', contract.address, NONCE, '0x')
    assert.equal(await isSpent(NONCE, contract.address), true)
  })
})
