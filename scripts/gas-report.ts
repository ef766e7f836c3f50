import { MaxUint256, toBeHex } from 'ethers'
import { signPermit } from '../test/contracts/permit.ts'
import {
  alice,
  bob,
  CLOSE_DELAY,
  CREDIT,
  DAY,
  deployer,
  deployShoal,
  type Shoal,
  session,
} from '../test/contracts/test-chain.ts'
import { signVoucher } from '../test/contracts/vouchers.ts'

/** What one transaction of a kind costs. */
export interface GasRow {
  name: string
  gas: number
  /** What it must not exceed. */
  goal?: number
  what: string
}

const BATCHES = [1, 10, 100] as const
const ROOT = toBeHex(0xabcn, 32)

/**
 * Measures, on a fresh chain, the gas of what nodes do. Every figure is of the usual case: accounts and storage slots
 * have been used before, unless the row says "first". The same in every run, up to zero bytes in signatures.
 */
export async function measureGas(): Promise<GasRow[]> {
  const shoal = await deployShoal()
  const { chain, creditToken, nodeRegistry, settlement, staking, auditAnchor } = shoal
  const rows: GasRow[] = []
  const add = (name: string, receipt: { gasUsed: bigint }, what: string, goal?: number) => {
    rows.push({ name, gas: Number(receipt.gasUsed), what, ...(goal === undefined ? {} : { goal }) })
  }
  await prepare(shoal)
  const openArgs = (salt: number, amount = CREDIT) => [
    bob.address,
    session.address,
    toBeHex(salt, 32),
    chain.now + 10 * DAY,
    amount,
  ]

  add('gas.deposit', await settlement.send(alice, 'deposit', alice.address, 200n * CREDIT), 'deposit')
  add(
    'gas.open',
    await settlement.send(alice, 'open', ...openArgs(1)),
    'open a channel from the balance',
    120_000,
  )
  const { gasUsed: depositAndOpen } = await opensWithoutBalance(shoal, openArgs(2))
  add('gas.depositAndOpen', { gasUsed: depositAndOpen }, 'open a channel, all of it pulled', 120_000)
  const permit = await signPermit(shoal, bob, settlement.address, 5n * CREDIT)
  const permitArgs = [alice.address, session.address, ROOT, chain.now + DAY, 5n * CREDIT, permit]
  add(
    'gas.depositWithPermitAndOpen',
    await settlement.send(bob, 'depositWithPermitAndOpen', ...permitArgs),
    'open a channel, all of it pulled, with a permit',
  )
  const channel = await settlement.view<string>('channelIdOf', alice.address, bob.address, toBeHex(1, 32))
  add('gas.topUp', await settlement.send(alice, 'topUp', channel, CREDIT), 'top up from the balance')

  let salt = 100
  const settleGas = new Map<number, number>()
  for (const count of BATCHES) {
    const vouchers = []
    for (let index = 0; index < count; index++) {
      const { returned } = await settlement.send(alice, 'open', ...openArgs(salt++))
      vouchers.push(await signVoucher(shoal, session, returned as string, CREDIT / 2n))
    }
    const receipt = await settlement.send(bob, 'settleMany', vouchers)
    settleGas.set(count, Number(receipt.gasUsed))
    add(`gas.settle${count}`, receipt, `settle ${count} voucher${count === 1 ? '' : 's'} of one payee`)
  }
  rows.push({
    name: 'gas.voucher100',
    gas: Math.ceil((settleGas.get(100)! - settleGas.get(1)!) / 99),
    what: 'one more voucher, in a batch of 100',
    goal: 30_000,
  })

  add('gas.startClose', await settlement.send(alice, 'startClose', channel), 'announce a close')
  chain.now += CLOSE_DELAY
  add('gas.finishClose', await settlement.send(alice, 'finishClose', channel), 'finish it')
  const other = await settlement.view<string>('channelIdOf', alice.address, bob.address, toBeHex(100, 32))
  add('gas.closeByPayee', await settlement.send(bob, 'closeByPayee', other), 'close by the payee')
  add('gas.withdraw', await settlement.send(alice, 'withdraw', alice.address, CREDIT), 'withdraw')

  add('gas.anchorFirst', await auditAnchor.send(alice, 'anchor', ROOT, 1, 1_000), "a node's first anchor")
  add('gas.anchor', await auditAnchor.send(alice, 'anchor', ROOT, 1_001, 2_000), 'every later anchor', 60_000)
  add('gas.bind', await nodeRegistry.send(alice, 'bind', ROOT), 'declare a node key, the first time')
  add('gas.stake', await staking.send(alice, 'stake', CREDIT), 'stake, the first time')
  add('gas.startUnbonding', await staking.send(alice, 'startUnbonding', CREDIT / 2n), 'start to unbond')
  add('gas.transfer', await creditToken.send(alice, 'transfer', bob.address, CREDIT), 'transfer credits')
  return rows
}

/** Uses accounts and slots once, as they will have been in a running network. */
async function prepare({ creditToken, settlement, staking }: Shoal): Promise<void> {
  for (const wallet of [alice, bob, deployer]) {
    await creditToken.send(deployer, 'transfer', wallet.address, 1_000n * CREDIT)
    await creditToken.send(wallet, 'approve', settlement.address, MaxUint256)
    await creditToken.send(wallet, 'approve', staking.address, MaxUint256)
    await settlement.send(wallet, 'deposit', wallet.address, 1n)
  }
  await staking.send(bob, 'stake', 1n)
}

/** The deployer has nothing in its internal balance, so that everything is pulled. */
async function opensWithoutBalance({ settlement }: Shoal, args: readonly unknown[]) {
  await settlement.send(deployer, 'withdraw', deployer.address, 1n)
  return await settlement.send(deployer, 'depositAndOpen', ...args)
}

/** The rows as a Markdown table, formatted as Biome formats it. */
export function gasTable(rows: readonly GasRow[]): string {
  const figure = (value: number | undefined) => value?.toLocaleString('en-US') ?? ''
  const lines = [
    ['what', 'gas', 'goal'],
    ...rows.map(({ what, gas, goal }) => [what, figure(gas), figure(goal)]),
  ]
  const [what, gas, goal] = [0, 1, 2].map(column =>
    Math.max(...lines.map(line => line[column]!.length)),
  ) as Widths
  const [head, ...body] = lines.map(
    line => `| ${line[0]!.padEnd(what)} | ${line[1]!.padStart(gas)} | ${line[2]!.padStart(goal)} |`,
  )
  const rule = `| ${'-'.repeat(what)} | ${'-'.repeat(gas - 1)}: | ${'-'.repeat(goal - 1)}: |`
  return [head, rule, ...body].join('\n')
}

type Widths = [what: number, gas: number, goal: number]

if (import.meta.main) {
  const rows = await measureGas()
  console.log(gasTable(rows))
  if (rows.some(({ gas, goal }) => goal !== undefined && gas > goal)) process.exitCode = 1
}
