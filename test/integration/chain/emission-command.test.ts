import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { Wallet as EthersWallet, Interface, toBeHex } from 'ethers'
import { creditTokenAbi } from '../../../node/chain/abi/credit-token.ts'
import { emissionAbi } from '../../../node/chain/abi/emission.ts'
import { settlementAbi } from '../../../node/chain/abi/settlement.ts'
import { stakingAbi } from '../../../node/chain/abi/staking.ts'
import type { ContractKey } from '../../../node/chain/contracts.ts'
import { distributionOf } from '../../../node/chain/emission-allocation.ts'
import { encodeDistribution } from '../../../node/chain/emission-file.ts'
import type { Wallet } from '../../../node/payments/wallet.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { VOUCHER_TYPES } from '../../../protocol/typed-data.ts'
import { assertError, Person } from '../../e2e/cli/person.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'

const EPOCH_SECONDS = 30 * 86_400
const WINDOW_SECONDS = 3_600
const VALIDATOR = 2n
const PROVIDER_COMPUTE = 4n
const interfaces = {
  creditToken: new Interface(creditTokenAbi),
  emission: new Interface(emissionAbi),
  settlement: new Interface(settlementAbi),
  staking: new Interface(stakingAbi),
} satisfies Partial<Record<ContractKey, Interface>>

interface EmissionView {
  epoch: number
  poolSize: string
  accounts: { account: string; settled: string; stakeCap: string; sharePercent: number; amount: string }[]
  total: string
  root: string | null
  file: string | null
  proposal: {
    status: string
    same: boolean
    differs: string[]
    differingAccounts: { account: string; proposed: string; own: string }[] | null
  } | null
  sent: { method: string; bond: string; transaction: string } | null
}

describe('shoal contracts emission and claim', function () {
  this.timeout(240_000)
  let chain: HardhatChain
  let person: Person
  let contracts: string
  let provider: Wallet
  let stranger: Wallet
  let proposer: Wallet
  let validator: Wallet
  let snapshot: unknown

  before(async () => {
    chain = await HardhatChain.start()
    person = await Person.make()
    contracts = person.folder('deployed.json')
    await writeFile(contracts, JSON.stringify(chain.deployment))
    const payer = await chain.wallet(1_000n * CREDIT)
    provider = await chain.wallet(200n * CREDIT)
    stranger = await chain.wallet(0n)
    proposer = await chain.wallet(1_000n * CREDIT)
    validator = await chain.wallet(1_000n * CREDIT)
    await stakeAs(provider, PROVIDER_COMPUTE, 200n * CREDIT)
    await stakeAs(proposer, VALIDATOR, 100n * CREDIT)
    await stakeAs(validator, VALIDATOR, 100n * CREDIT)
    await pay(payer, provider, 250n * CREDIT)
    await pay(payer, stranger, 10n * CREDIT)
    await pass(EPOCH_SECONDS)
  })
  beforeEach(async () => {
    snapshot = await chain.send('evm_snapshot')
  })
  afterEach(async () => {
    await chain.send('evm_revert', snapshot)
  })
  after(async () => {
    await person.leave()
    await chain.stop()
  })

  const transact = async (
    wallet: Wallet,
    contract: keyof typeof interfaces,
    method: string,
    ...args: unknown[]
  ) => {
    const signer = new EthersWallet(wallet.privateKey, chain.provider)
    const to = chain.deployment.addresses[contract]
    const sent = await signer.sendTransaction({
      to,
      data: interfaces[contract].encodeFunctionData(method, args),
    })
    return (await sent.wait())!
  }
  const view = async <Value>(contract: keyof typeof interfaces, method: string, ...args: unknown[]) => {
    const abi = interfaces[contract]
    const to = chain.deployment.addresses[contract]
    const answer = await chain.provider.call({ to, data: abi.encodeFunctionData(method, args) })
    return abi.decodeFunctionResult(method, answer)[0] as Value
  }
  const stakeAs = async (wallet: Wallet, roles: bigint, amount: bigint) => {
    await transact(wallet, 'creditToken', 'approve', chain.deployment.addresses.staking, amount)
    await transact(wallet, 'staking', 'stake', amount)
    await transact(wallet, 'staking', 'setRoles', roles)
  }
  /** Pays by a channel and one voucher. */
  const pay = async (payer: Wallet, payee: Wallet, amount: bigint) => {
    const { settlement } = chain.deployment.addresses
    const signer = new EthersWallet(payer.privateKey, chain.provider)
    await transact(payer, 'creditToken', 'approve', settlement, amount)
    const { timestamp } = (await chain.provider.getBlock('latest'))!
    const receipt = await transact(
      payer,
      'settlement',
      'depositAndOpen',
      payee.address,
      payer.address,
      toBeHex(1, 32),
      timestamp + 86_400,
      amount,
    )
    const opened = receipt.logs
      .filter(log => log.address.toLowerCase() === settlement)
      .map(log => interfaces.settlement.parseLog(log))
      .find(event => event?.name === 'ChannelOpened')!
    const channelId = opened.args.channelId as string
    const signature = await signer.signTypedData(
      {
        name: 'Shoal Settlement',
        version: '1',
        chainId: chain.deployment.chainId,
        verifyingContract: settlement,
      },
      VOUCHER_TYPES,
      { channelId, cumulativeAmount: amount },
    )
    await transact(payer, 'settlement', 'settleMany', [{ channelId, cumulativeAmount: amount, signature }])
  }
  const pass = async (seconds: number) => {
    await chain.send('evm_increaseTime', seconds)
    await chain.send('evm_mine')
  }
  const on = (command: string, ...args: string[]) => [
    ...['contracts', command, '--rpc', chain.rpcUrl, '--contracts', contracts, '--confirmations', '1'],
    ...args,
  ]
  const keyFile = async ({ address, privateKey }: Wallet) => {
    const path = person.folder(`key-${address}`)
    await writeFile(path, privateKey)
    return path
  }
  /** Proposes as if the provider had earned more and the stranger something. */
  const proposeWrong = async () => {
    const wrong = distributionOf(0n, 'providers', [
      { account: provider.address, amount: 201n * CREDIT },
      { account: stranger.address, amount: 10n * CREDIT },
    ])!
    const { emission } = chain.deployment.addresses
    await transact(proposer, 'creditToken', 'approve', emission, 100n * CREDIT)
    await transact(proposer, 'emission', 'propose', 0n, 0n, wrong.root, wrong.total, wrong.contentHash)
    const path = person.folder('wrong.json')
    await writeFile(path, encodeDistribution(wrong))
    return path
  }

  it('goes from the chain to credits in the wallet: computed, proposed, final, claimed', async () => {
    const out = person.folder('distribution.json')
    const first = await person.run(on('emission', '--out', out))
    assert.equal(first.status, 0, first.all)
    assert.match(first.stderr, /Read (\d+) of \1 blocks of the epoch/)
    assert.match(first.stdout, /^ACCOUNT +SETTLED WORK +STAKE CAP +SHARE +AMOUNT/m)
    assert.match(first.stdout, / 250 +200 +100 % +200$/m)
    assert.match(first.stdout, / 10 +0 +0 % +0$/m)
    assert.match(first.stdout, /^Pool +70000 credits/m)
    assert.match(first.stdout, /Nothing stands on chain yet/)

    const file = JSON.parse(await readFile(out, 'utf8'))
    const tree = StandardMerkleTree.load(file)
    tree.validate()
    assert.deepEqual([file.epoch, file.pool, file.total], ['0', 'providers', String(200n * CREDIT)])
    assert.equal(tree.root, file.root)

    const proposed = await person.json<EmissionView>(
      on('emission', '--epoch', '0', '--propose', '--key-file', await keyFile(proposer)),
    )
    assert.equal(proposed.root, file.root)
    assert.deepEqual([proposed.sent!.method, proposed.sent!.bond], ['propose', '100'])
    assert.equal(await view('creditToken', 'balanceOf', proposer.address), 800n * CREDIT)

    const same = await person.json<EmissionView>(on('emission'))
    assert.deepEqual([same.proposal!.same, same.proposal!.status], [true, 'proposed'])
    assertError(await person.run(on('emission', '--dispute', '--key-file', await keyFile(validator))), {
      status: 1,
      code: 'EMISSION_NOTHING_TO_DISPUTE',
      message: /the same as the own computation/,
    })
    assertError(await person.run(on('emission', '--propose', '--key-file', await keyFile(validator))), {
      status: 1,
      code: 'EMISSION_ALREADY_PROPOSED',
      message: /is proposed already/,
      fix: /nothing is left to do/,
    })

    const claim = on('claim', '--epoch', '0', '--distribution', out, '--key-file', await keyFile(stranger))
    const forProvider = [...claim, '--account', provider.address]
    assertError(await person.run(forProvider), {
      status: 1,
      code: 'EMISSION_NOT_CLAIMABLE',
      message: /can still be disputed/,
      fix: /^Claim after \d{4}-/,
    })
    await pass(WINDOW_SECONDS)
    const before = await view<bigint>('creditToken', 'balanceOf', provider.address)
    const claimed = await person.json<{ amount: string; account: string }>(forProvider)
    assert.deepEqual([claimed.amount, claimed.account], ['200', provider.address])
    assert.equal(await view('creditToken', 'balanceOf', provider.address), before + 200n * CREDIT)

    assertError(await person.run(forProvider), {
      status: 1,
      code: 'EMISSION_NOT_CLAIMABLE',
      message: /has claimed its part/,
    })
    assertError(await person.run(claim), {
      status: 1,
      code: 'EMISSION_NOT_CLAIMABLE',
      message: /gets nothing of epoch 0/,
    })
    assert.match((await person.run(on('emission'))).stdout, /is the same\. It is final; 200 credits claimed/)
  })

  it('notices a wrong proposal, names the accounts, and disputes it', async () => {
    const theirs = await proposeWrong()
    const noticed = await person.run(on('emission'))
    assert.equal(noticed.status, 1, noticed.all)
    assert.match(noticed.stdout, /differs in its root and total/)
    assert.match(
      noticed.stdout,
      /should dispute it until \d{4}-.* with a bond of 100 credits:\n.*--epoch 0 --pool providers --dispute --key-file FILE/,
    )
    assert.match(noticed.stdout, /--against FILE/)

    const compared = await person.run(on('emission', '--against', theirs, '--json'))
    assert.equal(compared.status, 1, compared.all)
    assert.deepEqual(
      (compared.json() as EmissionView).proposal!.differingAccounts,
      [
        { account: provider.address, proposed: '201', own: '200' },
        { account: stranger.address, proposed: '10', own: '0' },
      ].sort((a, b) => (a.account < b.account ? -1 : 1)),
    )

    const dispute = async (wallet: Wallet) =>
      person.run(on('emission', '--dispute', '--key-file', await keyFile(wallet)))
    assertError(await dispute(proposer), {
      status: 1,
      code: 'EMISSION_NOTHING_TO_DISPUTE',
      message: /a proposal of their own/,
    })
    assertError(await dispute(stranger), {
      status: 1,
      code: 'EMISSION_NOT_VALIDATOR',
      message: /no active Validator/,
    })
    const disputed = await dispute(validator)
    assert.equal(disputed.status, 0, disputed.all)
    assert.match(disputed.stderr, /The bond is 100 credits/)
    assert.match(disputed.stdout, /Disputed with a bond of 100 credits: 0x/)
    assert.equal(await view('emission', 'statusOf', 0n, 0n), 2n)

    const after = await person.run(on('emission'))
    assert.equal(after.status, 1)
    assert.match(after.stdout, /It is disputed; governance decides by/)
    assertError(await dispute(validator), {
      status: 1,
      code: 'EMISSION_NOTHING_TO_DISPUTE',
      message: /is disputed/,
    })
    await pass(WINDOW_SECONDS)
    assert.equal((await person.json<EmissionView>(on('emission'))).proposal, null)
  })

  it('says that credits for the bond are missing before it sends anything', async () => {
    const all = await view<bigint>('creditToken', 'balanceOf', validator.address)
    await transact(validator, 'creditToken', 'transfer', stranger.address, all - CREDIT)
    const block = await chain.provider.getBlockNumber()
    assertError(await person.run(on('emission', '--propose', '--key-file', await keyFile(validator))), {
      status: 5,
      code: 'EMISSION_BOND_MISSING',
      message: /the bond is 100 credits and 0x[0-9a-f]{40} has 1$/,
      fix: /Send at least 99 credits/,
    })
    assert.equal(await chain.provider.getBlockNumber(), block)
  })

  it('computes the learners’ pool from a list of rounds', async () => {
    const rounds = person.folder('rounds.json')
    const learner = { account: provider.address, weight: '2' }
    await writeFile(rounds, JSON.stringify([{ round: 'a', learners: [learner] }]))
    const computed = await person.json<EmissionView>(on('emission', '--pool', 'learners', '--rounds', rounds))
    assert.deepEqual([computed.total, computed.poolSize], ['20000', '20000'])
    assert.match(
      (await person.run(on('emission', '--pool', 'learners', '--rounds', rounds))).stdout,
      /^ACCOUNT +WEIGHT/m,
    )
    await writeFile(rounds, '[{}]')
    assertError(await person.run(on('emission', '--pool', 'learners', '--rounds', rounds)), {
      status: 2,
      code: 'EMISSION_ROUNDS_INVALID',
      message: /is not right/,
    })
  })

  it('says what is wrong with what it was given', async () => {
    const tampered = person.folder('tampered.json')
    const right = encodeDistribution(
      distributionOf(0n, 'providers', [{ account: provider.address, amount: CREDIT }])!,
    )
    await writeFile(tampered, right.replaceAll(String(CREDIT), String(2n * CREDIT)))
    const good = person.folder('good.json')
    await writeFile(good, right)
    const cases: [args: string[], status: number, code: string, message: RegExp][] = [
      [on('emission', '--epoch', '1'), 1, 'EMISSION_EPOCH_NOT_OVER', /epoch 1 is not over/],
      [on('emission', '--pool', 'learners'), 3, 'NODE_NOT_RUNNING', /no node is running/],
      [on('emission', '--rounds', 'x'), 2, 'USAGE', /is for --pool learners/],
      [on('emission', '--propose', '--dispute'), 2, 'USAGE', /--dispute/],
      [on('claim', '--distribution', '/nowhere/file'), 2, 'USAGE', /cannot be read/],
      [on('claim', '--distribution', contracts), 2, 'EMISSION_FILE_INVALID', /is no tree of claims/],
      [on('claim', '--distribution', tampered), 2, 'EMISSION_FILE_INVALID', /tampered\.json/],
      [on('claim', '--distribution', good, '--epoch', '7'), 2, 'USAGE', /is of epoch 0, not 7/],
      [on('claim', '--distribution', good, '--pool', 'learners'), 2, 'USAGE', /is of the providers/],
      [on('claim', '--distribution', good, '--account', 'me'), 2, 'USAGE', /--account takes an address/],
      [on('claim', '--distribution', good), 1, 'EMISSION_NOT_CLAIMABLE', /no distribution of epoch 0 stands/],
    ]
    for (const [args, status, code, message] of cases)
      assertError(await person.run(args), { status, code, message })
  })
})
