import { createRequire } from 'node:module'
import hardhatIgnition from '@nomicfoundation/hardhat-ignition'
import { defineConfig } from 'hardhat/config'

const require = createRequire(import.meta.url)

/** What Solidity tests may read. */
const fsPermissions = { readDirectory: ['./test/vectors'] }

/**
 * One compiler profile for tests, benchmarks and deployments. The compiler comes from npm, so that compiling needs
 * no network.
 */
export default defineConfig({
  plugins: [hardhatIgnition],
  solidity: {
    splitTestsCompilation: true,
    version: '0.8.37',
    path: require.resolve('solc/soljson.js'),
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 10_000 },
    },
  },
  paths: {
    sources: './contracts',
    ignition: './contracts/ignition',
    tests: { solidity: './test/contracts/solidity' },
  },
  test: {
    solidity: {
      profiles: {
        default: { fsPermissions, fuzz: { runs: 512 }, invariant: { runs: 64, depth: 64 } },
        quick: { fsPermissions, fuzz: { runs: 64 }, invariant: { runs: 16, depth: 32 } },
        nightly: { fsPermissions, fuzz: { runs: 10_000 }, invariant: { runs: 512, depth: 256 } },
      },
    },
  },
})
