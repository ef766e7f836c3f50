import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Interface, ZeroHash } from 'ethers'
import { readDeploymentFile } from '../../../node/chain/addresses.ts'
import { ChainClient } from '../../../node/chain/client.ts'
import { CONTRACT_NAMES } from '../../../node/chain/contracts.ts'
import { networkParameters } from '../../../node/chain/deployment-parameters.ts'
import type { DeploymentStatus } from '../../../node/chain/deployment-status.ts'
import { type Check, maskImmutables } from '../../../node/chain/verification.ts'
import { CREDIT } from '../../../protocol/money.ts'
import { assertError, Person } from '../../e2e/cli/person.ts'
import { HardhatChain } from '../../helpers/hardhat-chain.ts'

interface DryRunView {
  transactions: { contract: string; method: string | null; args: Record<string, unknown>; address: string }[]
  addresses: Record<string, string>
  gas: string
  cost: string
  checks: Check[]
}

interface VerifyView {
  ok: boolean
  checks: Check[]
}

describe('shoal contracts', function () {
  this.timeout(180_000)
  let chain: HardhatChain
  let person: Person
  let contracts: string

  before(async () => {
    chain = await HardhatChain.start()
    person = await Person.make()
    contracts = person.folder('deployed.json')
    await writeFile(contracts, JSON.stringify(chain.deployment))
  })
  after(async () => {
    await person.leave()
    await chain.stop()
  })

  const keyFile = async (privateKey: string) => {
    const path = person.folder('key')
    await writeFile(path, `${privateKey}\n`)
    return path
  }
  const verify = async (file = contracts) => {
    const finished = await person.run([
      'contracts',
      'verify',
      '--rpc',
      chain.rpcUrl,
      '--contracts',
      file,
      '--json',
    ])
    const view = finished.json() as VerifyView
    assert.equal(finished.status, view.ok ? 0 : 1)
    return view
  }
  const failed = (view: VerifyView) => view.checks.filter(({ ok }) => !ok).map(({ check }) => check)

  describe('deploy', () => {
    it('says what it would do, and then does it; again, it changes nothing', async () => {
      const wallet = await chain.wallet(0n)
      const key = await keyFile(wallet.privateKey)
      const guardian = `0x${'7'.repeat(40)}`
      const parameters = person.folder('parameters.json')
      await writeFile(parameters, JSON.stringify({ guardian, genesisSupply: '5000000000000000000n' }))
      const out = person.folder('contracts.json')
      const args = ['contracts', 'deploy', '--rpc', chain.rpcUrl, '--network', 'mainnet', '--key-file', key]
      args.push('--parameters', parameters, '--out', out, '--journal', join(person.home, 'journal'))

      const before = await chain.send('eth_blockNumber')
      const dryRun = await person.json<DryRunView>([...args, '--dry-run'])
      assert.equal(await chain.send('eth_blockNumber'), before)
      assert.ok(
        dryRun.checks.every(({ ok }) => ok),
        JSON.stringify(dryRun.checks),
      )
      const pause = dryRun.transactions.find(({ contract }) => contract === 'EmergencyPause')!
      assert.equal(pause.args.guardian, guardian)
      assert.match(pause.address, /^0x[0-9a-f]{40}$/)
      const written = await person.run([...args, '--dry-run'])
      assert.match(written.stdout, /closeDelay = 86400\n/)
      assert.match(written.stdout, /Nothing was sent\./)

      const first = await person.run(args)
      assert.equal(first.status, 0, first.all)
      const total = dryRun.transactions.length
      assert.match(first.stderr, new RegExp(`Sent ${total} of ${total} transactions: 0x`))
      assert.match(first.stdout, /contracts verify --rpc/)
      const text = await readFile(out, 'utf8')
      const again = await person.json<{ file: string }>(args)
      assert.equal(again.file, out)
      assert.equal(await readFile(out, 'utf8'), text)

      let gas = 0n
      for (let number = Number(before) + 1; number <= Number(await chain.send('eth_blockNumber')); number++) {
        const block = await chain.send('eth_getBlockByNumber', `0x${number.toString(16)}`, false)
        gas += BigInt((block as { gasUsed: string }).gasUsed)
      }
      const difference = Number(gas - BigInt(dryRun.gas)) / Number(gas)
      assert.ok(Math.abs(difference) < 0.005, `${gas} gas, and ${dryRun.gas} in the dry run`)

      assert.deepEqual(failed(await verify(out)), [])
      const deployment = await readDeploymentFile(out)
      const client = await ChainClient.connect({ rpcUrl: chain.rpcUrl, expectedChainId: null, deployment })
      try {
        assert.equal((await client.balances(wallet.address)).credits, 5n * CREDIT)
        assert.equal(await client.closeDelayMs(), 86_400_000)
      } finally {
        client.stop()
      }
    })

    it('finds before it costs anything that a parameter is out of bounds, or that money is missing', async () => {
      const key = await keyFile(`0x${'ab'.repeat(32)}`)
      const parameters = person.folder('bad.json')
      await writeFile(parameters, JSON.stringify({ minUnbondingDelay: 700_000, unbondingDelay: 1_814_400 }))
      const finished = await person.run([
        ...['contracts', 'deploy', '--rpc', chain.rpcUrl, '--network', 'mainnet', '--key-file', key],
        ...['--parameters', parameters, '--dry-run', '--json'],
      ])
      assert.equal(finished.status, 1, finished.all)
      const { checks } = finished.json() as DryRunView
      const [bounds, , balance] = checks
      assert.match(bounds!.detail, /^CourtParameters: CourseTooLong\(\d+, 700000\)$/)
      assert.equal(balance!.ok, false)
      assert.match(balance!.fix!, /^Send at least \d+ wei to 0x/)
      assertError(
        await person.run([
          ...['contracts', 'deploy', '--rpc', chain.rpcUrl, '--network', 'local', '--key-file', key],
        ]),
        { status: 5, code: 'DEPLOYMENT_WALLET_EMPTY', message: /has no gas money/ },
      )
    })

    it('says what is wrong with what it was given', async () => {
      const deploy = (...args: string[]) => person.run(['contracts', 'deploy', ...args])
      const on = (network: string, ...args: string[]) =>
        deploy('--rpc', chain.rpcUrl, '--network', network, ...args)
      const cases: [Promise<Awaited<ReturnType<typeof deploy>>>, string, RegExp][] = [
        [deploy('--network', 'local'), 'USAGE', /--rpc/],
        [deploy('--rpc', chain.rpcUrl), 'USAGE', /--network/],
        [on('moon'), 'USAGE', /moon/],
        [on('local', '--key-file', '/nowhere/key'), 'USAGE', /holds no private key/],
        [on('local', '--parameters', '/nowhere/parameters'), 'USAGE', /cannot be taken/],
      ]
      for (const [finished, code, message] of cases) assertError(await finished, { status: 2, code, message })
      const unknown = person.folder('unknown.json')
      await writeFile(unknown, JSON.stringify({ closeDelai: 1 }))
      assertError(await on('local', '--parameters', unknown), {
        status: 2,
        code: 'USAGE',
        message: /closeDelai/,
      })
      assertError(await deploy('--rpc', 'http://127.0.0.1:1', '--network', 'local'), {
        status: 1,
        code: 'CHAIN_UNREACHABLE',
        message: /127\.0\.0\.1:1 does not answer/,
      })
    })
  })

  describe('verify', () => {
    it('passes what was deployed, line by line', async () => {
      const { ok, checks } = await verify()
      assert.deepEqual(failed({ ok, checks }), [])
      const found = new Set(checks.map(({ check }) => check))
      for (const name of [...Object.values(CONTRACT_NAMES), 'Jury'])
        assert.ok(found.has(`${name} code`), name)
      for (const check of ['Staking.court', 'Timelock PROPOSER_ROLE', 'Timelock DEFAULT_ADMIN_ROLE'])
        assert.ok(found.has(check), check)
      const text = await person.run(['contracts', 'verify', '--rpc', chain.rpcUrl, '--contracts', contracts])
      assert.match(text.stdout, /^ok {2}CreditToken code /m)
      assert.match(text.stdout, new RegExp(`${checks.length} checks: code, wiring and owners`))
    })

    it('finds other code, and an address of another deployment', async () => {
      const swapped = person.folder('swapped.json')
      const { addresses } = chain.deployment
      await writeFile(
        swapped,
        JSON.stringify({ ...chain.deployment, addresses: { ...addresses, settlement: addresses.staking } }),
      )
      const view = await verify(swapped)
      assert.deepEqual(failed(view), ['Settlement code'])
      assert.match(view.checks.find(({ ok }) => !ok)!.fix!, /Do not use this contract/)
      await writeFile(
        swapped,
        JSON.stringify({
          ...chain.deployment,
          addresses: { ...addresses, auditAnchor: `0x${'1'.repeat(40)}` },
        }),
      )
      assert.match((await verify(swapped)).checks.find(({ ok }) => !ok)!.detail, /no code/)
    })

    it('finds who got power over the timelock, and an owner that is another', async () => {
      const { timelock, emergencyPause, governor } = chain.deployment.addresses
      const snapshot = await chain.send('evm_snapshot')
      const stranger = `0x${'5'.repeat(40)}`
      // As if governance had decided it: the timelock itself calls.
      await chain.send('hardhat_impersonateAccount', timelock)
      await chain.send('hardhat_setBalance', timelock, '0xde0b6b3a7640000')
      const abi = new Interface([
        'function grantRole(bytes32, address)',
        'function transferOwnership(address)',
      ])
      const call = (to: string, method: string, ...args: unknown[]) =>
        chain.send('eth_sendTransaction', { from: timelock, to, data: abi.encodeFunctionData(method, args) })
      await call(timelock, 'grantRole', ZeroHash, stranger)
      await call(emergencyPause, 'transferOwnership', governor)
      const view = await verify()
      assert.deepEqual(failed(view), ['EmergencyPause.owner', 'Timelock DEFAULT_ADMIN_ROLE'])
      assert.match(JSON.stringify(view), new RegExp(stranger))
      await chain.send('evm_revert', snapshot)
      assert.deepEqual(failed(await verify()), [])
    })

    it('masks what the constructor fills in, and nothing else', () => {
      assert.equal(maskImmutables('0xAAbbccdd', [{ start: 1, length: 2 }]), '0xaa0000dd')
      assert.equal(maskImmutables('0xaa', [{ start: 1, length: 2 }]), '0xaa')
    })
  })

  describe('status', () => {
    it('tells the parameters as they stand', async () => {
      const status = await person.json<DeploymentStatus>([
        ...['contracts', 'status', '--rpc', chain.rpcUrl, '--contracts', contracts],
      ])
      const local = networkParameters('local')
      assert.equal(status.token.genesisSupply, '1000000000')
      assert.equal(status.settlement.closeDelay, local.closeDelay)
      assert.equal(status.governance.votingPeriod, local.votingPeriod)
      assert.equal(status.governance.timelockDelay, local.timelockDelay)
      assert.deepEqual(status.emission.sharesBps, local.emissionShares)
      assert.equal(status.court.address, chain.deployment.addresses.court)
      assert.equal(status.court.announced, null)
      assert.equal(status.pause.guardian, null)
      assert.ok(status.versions.every(({ isThisOne, version }) => isThisOne && version === '1'))
      const { stdout } = await person.run([
        ...['contracts', 'status', '--rpc', chain.rpcUrl, '--contracts', contracts],
      ])
      assert.match(stdout, /^Supply +1000000000 credits/m)
      assert.match(stdout, /^Settlement +1 +0x/m)
    })

    it('asks an embedded chain for the addresses, and says so where there is none', async () => {
      assertError(await person.run(['contracts', 'status', '--rpc', chain.rpcUrl]), {
        status: 1,
        code: 'CONTRACTS_UNKNOWN',
        message: /is not known/,
      })
    })
  })
})
