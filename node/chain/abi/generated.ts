// Made by `npm run generate` from contracts/. Do not edit.

/** Compiler, as `solc` names itself, and sha256 of its version and settings. */
export const compiler = { version: '0.8.37', settingsDigest: 'sha256:e179bf15ed30f648970cee0a150e0c9e3693aa4efae47da61fd6cf94827b51e7' } as const

/** sha256 of the creation bytecode of all contracts in order, without metadata: changes when the code does. */
export const contractsDigest = 'sha256:4715c0a4ae4720aa91ff1d3244b03036c232fd9fcf801d17728460d49b487625'

export const creditTokenAbi = [
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner_",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "epochSupply_",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "ECDSAInvalidSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "length",
        "type": "uint256"
      }
    ],
    "name": "ECDSAInvalidSignatureLength",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "s",
        "type": "bytes32"
      }
    ],
    "name": "ECDSAInvalidSignatureS",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "spender",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "allowance",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "needed",
        "type": "uint256"
      }
    ],
    "name": "ERC20InsufficientAllowance",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "sender",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "balance",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "needed",
        "type": "uint256"
      }
    ],
    "name": "ERC20InsufficientBalance",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "approver",
        "type": "address"
      }
    ],
    "name": "ERC20InvalidApprover",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "receiver",
        "type": "address"
      }
    ],
    "name": "ERC20InvalidReceiver",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "sender",
        "type": "address"
      }
    ],
    "name": "ERC20InvalidSender",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "spender",
        "type": "address"
      }
    ],
    "name": "ERC20InvalidSpender",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "deadline",
        "type": "uint256"
      }
    ],
    "name": "ERC2612ExpiredSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "signer",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      }
    ],
    "name": "ERC2612InvalidSigner",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "requested",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "available",
        "type": "uint256"
      }
    ],
    "name": "EpochSupplyExceeded",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "currentNonce",
        "type": "uint256"
      }
    ],
    "name": "InvalidAccountNonce",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidShortString",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      }
    ],
    "name": "OwnableInvalidOwner",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "OwnableUnauthorizedAccount",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "string",
        "name": "str",
        "type": "string"
      }
    ],
    "name": "StringTooLong",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroEpochSupply",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "owner",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "spender",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "Approval",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "epoch",
        "type": "uint256"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "CreditsMinted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [],
    "name": "EIP712DomainChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "previousOwner",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "newOwner",
        "type": "address"
      }
    ],
    "name": "OwnershipTransferStarted",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "previousOwner",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "newOwner",
        "type": "address"
      }
    ],
    "name": "OwnershipTransferred",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "from",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "Transfer",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "DOMAIN_SEPARATOR",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "EPOCH_SECONDS",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "acceptOwnership",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "spender",
        "type": "address"
      }
    ],
    "name": "allowance",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "spender",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "approve",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "balanceOf",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "currentEpoch",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "epoch",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "decimals",
    "outputs": [
      {
        "internalType": "uint8",
        "name": "",
        "type": "uint8"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "eip712Domain",
    "outputs": [
      {
        "internalType": "bytes1",
        "name": "fields",
        "type": "bytes1"
      },
      {
        "internalType": "string",
        "name": "name",
        "type": "string"
      },
      {
        "internalType": "string",
        "name": "version",
        "type": "string"
      },
      {
        "internalType": "uint256",
        "name": "chainId",
        "type": "uint256"
      },
      {
        "internalType": "address",
        "name": "verifyingContract",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint256[]",
        "name": "extensions",
        "type": "uint256[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "epochSupply",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "genesisTime",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "mint",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "mintable",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "epoch",
        "type": "uint256"
      }
    ],
    "name": "mintedInEpoch",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "name",
    "outputs": [
      {
        "internalType": "string",
        "name": "",
        "type": "string"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner_",
        "type": "address"
      }
    ],
    "name": "nonces",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "nonce",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "owner",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "pendingOwner",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "spender",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "deadline",
        "type": "uint256"
      },
      {
        "internalType": "uint8",
        "name": "v",
        "type": "uint8"
      },
      {
        "internalType": "bytes32",
        "name": "r",
        "type": "bytes32"
      },
      {
        "internalType": "bytes32",
        "name": "s",
        "type": "bytes32"
      }
    ],
    "name": "permit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "renounceOwnership",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "symbol",
    "outputs": [
      {
        "internalType": "string",
        "name": "",
        "type": "string"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "totalSupply",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "transfer",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "from",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "transferFrom",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "newOwner",
        "type": "address"
      }
    ],
    "name": "transferOwnership",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const

export const creditTokenBytecode =
  '0x6101a0604052348015610010575f5ffd5b50604051611cc9380380611cc983398101604081905261002f91610293565b816040518060400160405280600c81526020016b14da1bd85b0810dc99591a5d60a21b81525080604051806040016040528060018152602001603160f81b8152506040518060400160405280600c81526020016b14da1bd85b0810dc99591a5d60a21b8152506040518060400160405280600381526020016253484360e81b81525081600390816100c0919061036d565b5060046100cd828261036d565b5050506100df826101e960201b60201c565b610120526100ec816101e9565b61014052815160208084019190912060e052815190820120610100524660a05261017860e05161010051604080517f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f60208201529081019290925260608201524660808201523060a08201525f9060c00160405160208183030381529060405280519060200120905090565b60805250503060c052506001600160a01b0381166101b057604051631e4fbdf760e01b81525f60048201526024015b60405180910390fd5b6101b981610226565b50805f036101da5760405163be58cbb960e01b815260040160405180910390fd5b61016052504261018052610483565b5f5f829050601f81511115610213578260405163305a27a960e01b81526004016101a7919061042b565b805161021e82610460565b179392505050565b600980546001600160a01b031916905561023f81610242565b50565b600880546001600160a01b038381166001600160a01b0319831681179093556040519116919082907f8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0905f90a35050565b5f5f604083850312156102a4575f5ffd5b82516001600160a01b03811681146102ba575f5ffd5b6020939093015192949293505050565b634e487b7160e01b5f52604160045260245ffd5b600181811c908216806102f257607f821691505b60208210810361031057634e487b7160e01b5f52602260045260245ffd5b50919050565b601f821115610368578282111561036857805f5260205f20601f840160051c602085101561034157505f5b90810190601f840160051c035f5b81811015610364575f8382015560010161034f565b5050505b505050565b81516001600160401b03811115610386576103866102ca565b61039a8161039484546102de565b84610316565b6020601f8211600181146103cc575f83156103b55750848201515b5f19600385901b1c1916600184901b178455610424565b5f84815260208120601f198516915b828110156103fb57878501518255602094850194600190920191016103db565b508482101561041857868401515f19600387901b60f8161c191681555b505060018360011b0184555b5050505050565b602081525f82518060208401528060208501604085015e5f604082850101526040601f19601f83011684010191505092915050565b80516020808301519190811015610310575f1960209190910360031b1b16919050565b60805160a05160c05160e05161010051610120516101405161016051610180516117d36104f65f395f8181610235015261063201525f81816103eb01526105ec01525f610dac01525f610d8101525f610c1e01525f610bf601525f610b5101525f610b7b01525f610ba501526117d35ff3fe608060405234801561000f575f5ffd5b506004361061019a575f3560e01c806376671808116100e857806395d89b4111610093578063dd62ed3e1161006e578063dd62ed3e14610370578063e30c3978146103b5578063f2fde38b146103d3578063fdd6dbd6146103e6575f5ffd5b806395d89b4114610342578063a9059cbb1461034a578063d505accf1461035d575f5ffd5b806384b0196e116100c357806384b0196e146102c95780638da5cb5b146102e45780639578455d14610323575f5ffd5b806376671808146102a657806379ba5097146102ae5780637ecebe00146102b6575f5ffd5b806340c10f19116101485780635262265a116101235780635262265a1461025f57806370a0823114610269578063715018a61461029e575f5ffd5b806340c10f191461021b57806342c6498a146102305780634bf365df14610257575f5ffd5b806323b872dd1161017857806323b872dd146101f1578063313ce567146102045780633644e51514610213575f5ffd5b806306fdde031461019e578063095ea7b3146101bc57806318160ddd146101df575b5f5ffd5b6101a661040d565b6040516101b39190611464565b60405180910390f35b6101cf6101ca3660046114a5565b61049d565b60405190151581526020016101b3565b6002545b6040519081526020016101b3565b6101cf6101ff3660046114cd565b6104b6565b604051601281526020016101b3565b6101e36104d9565b61022e6102293660046114a5565b6104e7565b005b6101e37f000000000000000000000000000000000000000000000000000000000000000081565b6101e36105d0565b6101e362278d0081565b6101e3610277366004611507565b73ffffffffffffffffffffffffffffffffffffffff165f9081526020819052604090205490565b61022e610615565b6101e3610628565b61022e610661565b6101e36102c4366004611507565b6106d8565b6102d16106e2565b6040516101b39796959493929190611520565b60085473ffffffffffffffffffffffffffffffffffffffff165b60405173ffffffffffffffffffffffffffffffffffffffff90911681526020016101b3565b6101e36103313660046115df565b600a6020525f908152604090205481565b6101a6610740565b6101cf6103583660046114a5565b61074f565b61022e61036b3660046115f6565b61075c565b6101e361037e366004611663565b73ffffffffffffffffffffffffffffffffffffffff9182165f90815260016020908152604080832093909416825291909152205490565b60095473ffffffffffffffffffffffffffffffffffffffff166102fe565b61022e6103e1366004611507565b610905565b6101e37f000000000000000000000000000000000000000000000000000000000000000081565b60606003805461041c90611694565b80601f016020809104026020016040519081016040528092919081815260200182805461044890611694565b80156104935780601f1061046a57610100808354040283529160200191610493565b820191905f5260205f20905b81548152906001019060200180831161047657829003601f168201915b5050505050905090565b5f336104aa8185856109b5565b60019150505b92915050565b5f336104c38582856109c7565b6104ce858585610a8f565b506001949350505050565b5f6104e2610b38565b905090565b6104ef610c6e565b5f6104f86105d0565b905080821115610543576040517f9ec1de7f00000000000000000000000000000000000000000000000000000000815260048101839052602481018290526044015b60405180910390fd5b5f61054c610628565b905082600a5f8381526020019081526020015f205f82825461056e9190611712565b909155505060405183815273ffffffffffffffffffffffffffffffffffffffff85169082907f921c08e825069e4d980f75f8c9d39ab505649f98d18f620f19759e16f0e3ba6b9060200160405180910390a36105ca8484610cc1565b50505050565b5f600a5f6105dc610628565b81526020019081526020015f20547f00000000000000000000000000000000000000000000000000000000000000006104e29190611725565b61061d610c6e565b6106265f610d1f565b565b5f62278d006106577f000000000000000000000000000000000000000000000000000000000000000042611725565b6104e29190611738565b600954339073ffffffffffffffffffffffffffffffffffffffff1681146106cc576040517f118cdaa700000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff8216600482015260240161053a565b6106d581610d1f565b50565b5f6104b082610d50565b5f6060805f5f5f60606106f3610d7a565b6106fb610da5565b604080515f808252602082019092527f0f000000000000000000000000000000000000000000000000000000000000009b939a50919850469750309650945092509050565b60606004805461041c90611694565b5f336104aa818585610a8f565b83421115610799576040517f627913020000000000000000000000000000000000000000000000000000000081526004810185905260240161053a565b5f7f6e71edae12b1b97f4d1f60370fef10105fa2faae0126114a169c64845d6126c98888886107f18c73ffffffffffffffffffffffffffffffffffffffff165f90815260076020526040902080546001810190915590565b60408051602081019690965273ffffffffffffffffffffffffffffffffffffffff94851690860152929091166060840152608083015260a082015260c0810186905260e0016040516020818303038152906040528051906020012090505f61085882610dd0565b90505f61086782878787610e17565b90508973ffffffffffffffffffffffffffffffffffffffff168173ffffffffffffffffffffffffffffffffffffffff16146108ee576040517f4b800e4600000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff80831660048301528b16602482015260440161053a565b6108f98a8a8a6109b5565b50505050505050505050565b61090d610c6e565b6009805473ffffffffffffffffffffffffffffffffffffffff83167fffffffffffffffffffffffff0000000000000000000000000000000000000000909116811790915561097060085473ffffffffffffffffffffffffffffffffffffffff1690565b73ffffffffffffffffffffffffffffffffffffffff167f38d16b8cac22d99fc7c124b9cd0de2d3fa1faef420bfe791d8c362d765e2270060405160405180910390a350565b6109c28383836001610e43565b505050565b73ffffffffffffffffffffffffffffffffffffffff8381165f908152600160209081526040808320938616835292905220547fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff8110156105ca5781811015610a81576040517ffb8f41b200000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff84166004820152602481018290526044810183905260640161053a565b6105ca84848484035f610e43565b73ffffffffffffffffffffffffffffffffffffffff8316610ade576040517f96c6fd1e0000000000000000000000000000000000000000000000000000000081525f600482015260240161053a565b73ffffffffffffffffffffffffffffffffffffffff8216610b2d576040517fec442f050000000000000000000000000000000000000000000000000000000081525f600482015260240161053a565b6109c2838383610f88565b5f3073ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016148015610b9d57507f000000000000000000000000000000000000000000000000000000000000000046145b15610bc757507f000000000000000000000000000000000000000000000000000000000000000090565b6104e2604080517f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f60208201527f0000000000000000000000000000000000000000000000000000000000000000918101919091527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a08201525f9060c00160405160208183030381529060405280519060200120905090565b60085473ffffffffffffffffffffffffffffffffffffffff163314610626576040517f118cdaa700000000000000000000000000000000000000000000000000000000815233600482015260240161053a565b73ffffffffffffffffffffffffffffffffffffffff8216610d10576040517fec442f050000000000000000000000000000000000000000000000000000000081525f600482015260240161053a565b610d1b5f8383610f88565b5050565b600980547fffffffffffffffffffffffff00000000000000000000000000000000000000001690556106d58161112f565b73ffffffffffffffffffffffffffffffffffffffff81165f908152600760205260408120546104b0565b60606104e27f00000000000000000000000000000000000000000000000000000000000000006111a5565b60606104e27f00000000000000000000000000000000000000000000000000000000000000006111a5565b5f6104b0610ddc610b38565b836040517f19010000000000000000000000000000000000000000000000000000000000008152600281019290925260228201526042902090565b5f5f5f5f610e27888888886111e2565b925092509250610e3782826112d5565b50909695505050505050565b73ffffffffffffffffffffffffffffffffffffffff8416610e92576040517fe602df050000000000000000000000000000000000000000000000000000000081525f600482015260240161053a565b73ffffffffffffffffffffffffffffffffffffffff8316610ee1576040517f94280d620000000000000000000000000000000000000000000000000000000081525f600482015260240161053a565b73ffffffffffffffffffffffffffffffffffffffff8085165f90815260016020908152604080832093871683529290522082905580156105ca578273ffffffffffffffffffffffffffffffffffffffff168473ffffffffffffffffffffffffffffffffffffffff167f8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b92584604051610f7a91815260200190565b60405180910390a350505050565b73ffffffffffffffffffffffffffffffffffffffff8316610fbf578060025f828254610fb49190611712565b9091555061106f9050565b73ffffffffffffffffffffffffffffffffffffffff83165f9081526020819052604090205481811015611044576040517fe450d38c00000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff85166004820152602481018290526044810183905260640161053a565b73ffffffffffffffffffffffffffffffffffffffff84165f9081526020819052604090209082900390555b73ffffffffffffffffffffffffffffffffffffffff8216611098576002805482900390556110c3565b73ffffffffffffffffffffffffffffffffffffffff82165f9081526020819052604090208054820190555b8173ffffffffffffffffffffffffffffffffffffffff168373ffffffffffffffffffffffffffffffffffffffff167fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef8360405161112291815260200190565b60405180910390a3505050565b6008805473ffffffffffffffffffffffffffffffffffffffff8381167fffffffffffffffffffffffff0000000000000000000000000000000000000000831681179093556040519116919082907f8be0079c531659141344cd1fd0a4f28419497f9722a3daafe3b4186f6b6457e0905f90a35050565b60605f6111b1836113d8565b6040805160208082528183019092529192505f91906020820181803683375050509182525060208101929092525090565b5f80807f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a084111561121b57505f915060039050826112cb565b604080515f808252602082018084528a905260ff891692820192909252606081018790526080810186905260019060a0016020604051602081039080840390855afa15801561126c573d5f5f3e3d5ffd5b50506040517fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0015191505073ffffffffffffffffffffffffffffffffffffffff81166112c257505f9250600191508290506112cb565b92505f91508190505b9450945094915050565b5f8260038111156112e8576112e8611770565b036112f1575050565b600182600381111561130557611305611770565b0361133c576040517ff645eedf00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b600282600381111561135057611350611770565b0361138a576040517ffce698f70000000000000000000000000000000000000000000000000000000081526004810182905260240161053a565b600382600381111561139e5761139e611770565b03610d1b576040517fd78bce0c0000000000000000000000000000000000000000000000000000000081526004810182905260240161053a565b5f60ff8216601f8111156104b0576040517fb3512b0c00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b5f81518084528060208401602086015e5f6020828601015260207fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f83011685010191505092915050565b602081525f6114766020830184611418565b9392505050565b803573ffffffffffffffffffffffffffffffffffffffff811681146114a0575f5ffd5b919050565b5f5f604083850312156114b6575f5ffd5b6114bf8361147d565b946020939093013593505050565b5f5f5f606084860312156114df575f5ffd5b6114e88461147d565b92506114f66020850161147d565b929592945050506040919091013590565b5f60208284031215611517575f5ffd5b6114768261147d565b7fff000000000000000000000000000000000000000000000000000000000000008816815260e060208201525f61155a60e0830189611418565b828103604084015261156c8189611418565b6060840188905273ffffffffffffffffffffffffffffffffffffffff8716608085015260a0840186905283810360c0850152845180825260208087019350909101905f5b818110156115ce5783518352602093840193909201916001016115b0565b50909b9a5050505050505050505050565b5f602082840312156115ef575f5ffd5b5035919050565b5f5f5f5f5f5f5f60e0888a03121561160c575f5ffd5b6116158861147d565b96506116236020890161147d565b95506040880135945060608801359350608088013560ff81168114611646575f5ffd5b9699959850939692959460a0840135945060c09093013592915050565b5f5f60408385031215611674575f5ffd5b61167d8361147d565b915061168b6020840161147d565b90509250929050565b600181811c908216806116a857607f821691505b6020821081036116df577f4e487b71000000000000000000000000000000000000000000000000000000005f52602260045260245ffd5b50919050565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b808201808211156104b0576104b06116e5565b818103818111156104b0576104b06116e5565b5f8261176b577f4e487b71000000000000000000000000000000000000000000000000000000005f52601260045260245ffd5b500490565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffdfea264697066735822122027d7821d96087093a3fad65603526f44bb94c40ac8d732f934e69bba188b503e64736f6c63430008250033'

export const nodeRegistryAbi = [
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "creditToken_",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "unbondingDelay_",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "requested",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "available",
        "type": "uint256"
      }
    ],
    "name": "InsufficientStake",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingUnbonding",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint8",
        "name": "bits",
        "type": "uint8"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "SafeCastOverflowedUintDowncast",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      }
    ],
    "name": "SafeERC20FailedOperation",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "withdrawableAt",
        "type": "uint256"
      }
    ],
    "name": "StillUnbonding",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroAmount",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroNodeKey",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroToken",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "nodeKey",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "previousNodeKey",
        "type": "bytes32"
      }
    ],
    "name": "NodeKeyBound",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "total",
        "type": "uint256"
      }
    ],
    "name": "Staked",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "UnbondedWithdrawn",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "UnbondingCancelled",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "total",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "withdrawableAt",
        "type": "uint256"
      }
    ],
    "name": "UnbondingStarted",
    "type": "event"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "nodeKey",
        "type": "bytes32"
      }
    ],
    "name": "bind",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "cancelUnbonding",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "creditToken",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      }
    ],
    "name": "nodeKeyOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "nodeKey",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "stake",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      }
    ],
    "name": "stakeOf",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "value",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "deadline",
            "type": "uint256"
          },
          {
            "internalType": "uint8",
            "name": "v",
            "type": "uint8"
          },
          {
            "internalType": "bytes32",
            "name": "r",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "s",
            "type": "bytes32"
          }
        ],
        "internalType": "struct Permit",
        "name": "permit",
        "type": "tuple"
      }
    ],
    "name": "stakeWithPermit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "startUnbonding",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "unbondingDelay",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "wallet",
        "type": "address"
      }
    ],
    "name": "unbondingOf",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "withdrawableAt",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "withdrawUnbonded",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const

export const nodeRegistryBytecode =
  '0x60c060405234801561000f575f5ffd5b50604051610efd380380610efd83398101604081905261002e9161006b565b6001600160a01b0382166100555760405163ad1991f560e01b815260040160405180910390fd5b6001600160a01b0390911660805260a0526100a2565b5f5f6040838503121561007c575f5ffd5b82516001600160a01b0381168114610092575f5ffd5b6020939093015192949293505050565b60805160a051610e1e6100df5f395f818161027a01526105a801525f818161015f015281816103e1015281816104990152610a620152610e1e5ff3fe608060405234801561000f575f5ffd5b50600436106100c4575f3560e01c8063994fab151161007d578063a9b8281911610058578063a9b82819146101df578063acf09912146101e7578063db7dd35a14610275575f5ffd5b8063994fab15146101a6578063a694fc3a146101b9578063a8194844146101cc575f5ffd5b80636e373bef116100ad5780636e373bef1461013d578063709152a114610145578063899e5d851461015a575f5ffd5b806342623360146100c85780634cfb92df1461011e575b5f5ffd5b61010b6100d6366004610ca7565b73ffffffffffffffffffffffffffffffffffffffff165f908152600160205260409020546bffffffffffffffffffffffff1690565b6040519081526020015b60405180910390f35b61010b61012c366004610ca7565b5f6020819052908152604090205481565b61010b61029c565b610158610153366004610ce1565b61040d565b005b6101817f000000000000000000000000000000000000000000000000000000000000000081565b60405173ffffffffffffffffffffffffffffffffffffffff9091168152602001610115565b6101586101b4366004610cf8565b610494565b6101586101c7366004610ce1565b6104cc565b6101586101da366004610ce1565b6104d8565b61015861070d565b6102606101f5366004610ca7565b73ffffffffffffffffffffffffffffffffffffffff165f908152600160205260409020546c0100000000000000000000000081046bffffffffffffffffffffffff1691780100000000000000000000000000000000000000000000000090910465ffffffffffff1690565b60408051928352602083019190915201610115565b61010b7f000000000000000000000000000000000000000000000000000000000000000081565b335f90815260016020526040812080546c0100000000000000000000000081046bffffffffffffffffffffffff1692780100000000000000000000000000000000000000000000000090910465ffffffffffff169083900361032a576040517f262b9d7400000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b8042101561036c576040517fdd9c8943000000000000000000000000000000000000000000000000000000008152600481018290526024015b60405180910390fd5b81547fffff000000000000000000000000000000000000ffffffffffffffffffffffff16825560405183815233907fcbc44d4d5c56c5819511ea9e51bb72727a8fcdd6aa5f808e86422b70710bc3e89060200160405180910390a261040873ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000163385610820565b505090565b80610444576040517f1fe8da8400000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b335f818152602081815260409182902080549085905591518281529192849290917f4b6545b5e5e11719fda986407d7d235f79e35780595985e648587da17d459601910160405180910390a35050565b6104bf7f00000000000000000000000000000000000000000000000000000000000000003383610880565b6104c882610965565b5050565b6104d581610965565b50565b805f03610511576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b335f90815260016020526040902080546bffffffffffffffffffffffff1680831115610573576040517f45be0a260000000000000000000000000000000000000000000000000000000081526004810184905260248101829052604401610363565b81545f906105a09085906c0100000000000000000000000090046bffffffffffffffffffffffff16610d78565b90505f6105cd7f000000000000000000000000000000000000000000000000000000000000000042610d78565b90506105e16105dc8685610d91565b610a8a565b84547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff9190911617845561062282610a8a565b84546bffffffffffffffffffffffff919091166c01000000000000000000000000027fffffffffffffffff000000000000000000000000ffffffffffffffffffffffff90911617845561067481610adf565b845465ffffffffffff919091167801000000000000000000000000000000000000000000000000027fffff000000000000ffffffffffffffffffffffffffffffffffffffffffffffff909116178455604080518681526020810184905290810182905233907ff265d6065ef1332d7a6da1a66115a5f51a6ffd1b5da52bcfff6510598b94ffb89060600160405180910390a25050505050565b335f908152600160205260408120805490916c010000000000000000000000009091046bffffffffffffffffffffffff1690819003610778576040517f262b9d7400000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b8154819083905f906107999084906bffffffffffffffffffffffff16610da4565b82546101009290920a6bffffffffffffffffffffffff81810219909316918316021790915583547fffff000000000000000000000000000000000000ffffffffffffffffffffffff16845560405190831681523391507f7c0da6118614ba53d3a7feb6b35dbc4a36decef0baf2aba6c7852f0fd186f20b9060200160405180910390a25050565b61082d8383836001610b2a565b61087b576040517f5274afe700000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff84166004820152602401610363565b505050565b73ffffffffffffffffffffffffffffffffffffffff831663d505accf8330843560208601356108b56060880160408901610dc8565b6040517fffffffff0000000000000000000000000000000000000000000000000000000060e088901b16815273ffffffffffffffffffffffffffffffffffffffff95861660048201529490931660248501526044840191909152606483015260ff166084820152606084013560a4820152608084013560c482015260e4015f604051808303815f87803b15801561094a575f5ffd5b505af192505050801561095b575060015b1561087b57505050565b805f0361099e576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b335f90815260016020526040812080549091906109ca9084906bffffffffffffffffffffffff16610d78565b90506109d581610a8a565b82547fffffffffffffffffffffffffffffffffffffffff000000000000000000000000166bffffffffffffffffffffffff91909116178255604080518481526020810183905233917f1449c6dd7851abc30abf37f57715f492010519147cc2652fbc38202c18a6ee90910160405180910390a261087b73ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016333086610bb2565b5f6bffffffffffffffffffffffff821115610adb576040517f6dfcc6500000000000000000000000000000000000000000000000000000000081526060600482015260248101839052604401610363565b5090565b5f65ffffffffffff821115610adb576040517f6dfcc6500000000000000000000000000000000000000000000000000000000081526030600482015260248101839052604401610363565b6040517fa9059cbb000000000000000000000000000000000000000000000000000000005f81815273ffffffffffffffffffffffffffffffffffffffff8616600452602485905291602083604481808b5af1925060015f51148316610ba6578383151615610b9a573d5f823e3d81fd5b5f873b113d1516831692505b60405250949350505050565b610bc0848484846001610c14565b610c0e576040517f5274afe700000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff85166004820152602401610363565b50505050565b6040517f23b872dd000000000000000000000000000000000000000000000000000000005f81815273ffffffffffffffffffffffffffffffffffffffff8781166004528616602452604485905291602083606481808c5af1925060015f51148316610c96578383151615610c8a573d5f823e3d81fd5b5f883b113d1516831692505b604052505f60605295945050505050565b5f60208284031215610cb7575f5ffd5b813573ffffffffffffffffffffffffffffffffffffffff81168114610cda575f5ffd5b9392505050565b5f60208284031215610cf1575f5ffd5b5035919050565b5f5f82840360c0811215610d0a575f5ffd5b8335925060a07fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe082011215610d3d575f5ffd5b506020830190509250929050565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b80820180821115610d8b57610d8b610d4b565b92915050565b81810381811115610d8b57610d8b610d4b565b6bffffffffffffffffffffffff8181168382160190811115610d8b57610d8b610d4b565b5f60208284031215610dd8575f5ffd5b813560ff81168114610cda575f5ffdfea2646970667358221220eff46cd9faa5a4f5c0e477fd23cbda60ce8996bd413f2a1f8f6bf00d2764d50064736f6c63430008250033'

export const settlementAbi = [
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "creditToken_",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "closeDelay_",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "ChannelAlreadyClosed",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "ChannelAlreadyClosing",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "ChannelExists",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "ChannelUnknown",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "closableAt",
        "type": "uint256"
      }
    ],
    "name": "CloseTooEarly",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "earliest",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "given",
        "type": "uint256"
      }
    ],
    "name": "ExpiryTooEarly",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "requested",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "available",
        "type": "uint256"
      }
    ],
    "name": "InsufficientBalance",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "InvalidShortString",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      }
    ],
    "name": "OnlyPayee",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payer",
        "type": "address"
      }
    ],
    "name": "OnlyPayer",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint8",
        "name": "bits",
        "type": "uint8"
      },
      {
        "internalType": "uint256",
        "name": "value",
        "type": "uint256"
      }
    ],
    "name": "SafeCastOverflowedUintDowncast",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "token",
        "type": "address"
      }
    ],
    "name": "SafeERC20FailedOperation",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "string",
        "name": "str",
        "type": "string"
      }
    ],
    "name": "StringTooLong",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroAddress",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroAmount",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "claimed",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "refunded",
        "type": "uint256"
      }
    ],
    "name": "ChannelClosed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "closableAt",
        "type": "uint256"
      }
    ],
    "name": "ChannelClosing",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payer",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "signer",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "expiresAt",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "ChannelOpened",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "deposit",
        "type": "uint256"
      }
    ],
    "name": "ChannelToppedUp",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "from",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "Deposited",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [],
    "name": "EIP712DomainChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "claimed",
        "type": "uint256"
      }
    ],
    "name": "VoucherSettled",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "enum ISettlement.VoucherOutcome",
        "name": "outcome",
        "type": "uint8"
      }
    ],
    "name": "VoucherSkipped",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "Withdrawn",
    "type": "event"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      }
    ],
    "name": "balanceOf",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payer",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      }
    ],
    "name": "channelIdOf",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "channelOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "payer",
            "type": "address"
          },
          {
            "internalType": "uint96",
            "name": "deposit",
            "type": "uint96"
          },
          {
            "internalType": "address",
            "name": "payee",
            "type": "address"
          },
          {
            "internalType": "uint96",
            "name": "claimed",
            "type": "uint96"
          },
          {
            "internalType": "address",
            "name": "signer",
            "type": "address"
          },
          {
            "internalType": "uint48",
            "name": "expiresAt",
            "type": "uint48"
          },
          {
            "internalType": "uint48",
            "name": "closesAt",
            "type": "uint48"
          }
        ],
        "internalType": "struct ISettlement.Channel",
        "name": "channel",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "closableAt",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "timestamp",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "closeByPayee",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "refunded",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "closeDelay",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "creditToken",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "deposit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "signer",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint48",
        "name": "expiresAt",
        "type": "uint48"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "depositAndOpen",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "depositAndTopUp",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "account",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "value",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "deadline",
            "type": "uint256"
          },
          {
            "internalType": "uint8",
            "name": "v",
            "type": "uint8"
          },
          {
            "internalType": "bytes32",
            "name": "r",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "s",
            "type": "bytes32"
          }
        ],
        "internalType": "struct Permit",
        "name": "permit",
        "type": "tuple"
      }
    ],
    "name": "depositWithPermit",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "signer",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint48",
        "name": "expiresAt",
        "type": "uint48"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "value",
            "type": "uint256"
          },
          {
            "internalType": "uint256",
            "name": "deadline",
            "type": "uint256"
          },
          {
            "internalType": "uint8",
            "name": "v",
            "type": "uint8"
          },
          {
            "internalType": "bytes32",
            "name": "r",
            "type": "bytes32"
          },
          {
            "internalType": "bytes32",
            "name": "s",
            "type": "bytes32"
          }
        ],
        "internalType": "struct Permit",
        "name": "permit",
        "type": "tuple"
      }
    ],
    "name": "depositWithPermitAndOpen",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "eip712Domain",
    "outputs": [
      {
        "internalType": "bytes1",
        "name": "fields",
        "type": "bytes1"
      },
      {
        "internalType": "string",
        "name": "name",
        "type": "string"
      },
      {
        "internalType": "string",
        "name": "version",
        "type": "string"
      },
      {
        "internalType": "uint256",
        "name": "chainId",
        "type": "uint256"
      },
      {
        "internalType": "address",
        "name": "verifyingContract",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint256[]",
        "name": "extensions",
        "type": "uint256[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "finishClose",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "refunded",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "payee",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "signer",
        "type": "address"
      },
      {
        "internalType": "bytes32",
        "name": "salt",
        "type": "bytes32"
      },
      {
        "internalType": "uint48",
        "name": "expiresAt",
        "type": "uint48"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "open",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "bytes32",
            "name": "channelId",
            "type": "bytes32"
          },
          {
            "internalType": "uint256",
            "name": "cumulativeAmount",
            "type": "uint256"
          },
          {
            "internalType": "bytes",
            "name": "signature",
            "type": "bytes"
          }
        ],
        "internalType": "struct ISettlement.SignedVoucher[]",
        "name": "vouchers",
        "type": "tuple[]"
      }
    ],
    "name": "settle",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "total",
        "type": "uint256"
      },
      {
        "internalType": "enum ISettlement.VoucherOutcome[]",
        "name": "outcomes",
        "type": "uint8[]"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "startClose",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      }
    ],
    "name": "statusOf",
    "outputs": [
      {
        "internalType": "enum ISettlement.ChannelStatus",
        "name": "status",
        "type": "uint8"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "topUp",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "channelId",
        "type": "bytes32"
      },
      {
        "internalType": "uint256",
        "name": "cumulativeAmount",
        "type": "uint256"
      }
    ],
    "name": "voucherDigest",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "digest",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "to",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "amount",
        "type": "uint256"
      }
    ],
    "name": "withdraw",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  }
] as const

export const settlementBytecode =
  '0x6101a0604052348015610010575f5ffd5b506040516127da3803806127da83398101604081905261002f916101a8565b6040518060400160405280601081526020016f14da1bd85b0814d95d1d1b195b595b9d60821b815250604051806040016040528060018152602001603160f81b8152506100818261016260201b60201c565b6101205261008e81610162565b61014052815160208084019190912060e052815190820120610100524660a05261011a60e05161010051604080517f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f60208201529081019290925260608201524660808201523060a08201525f9060c00160405160208183030381529060405280519060200120905090565b60805250503060c0526001600160a01b03821661014a5760405163d92e233d60e01b815260040160405180910390fd5b6001600160a01b03909116610160526101805261023a565b5f5f829050601f81511115610195578260405163305a27a960e01b815260040161018c91906101df565b60405180910390fd5b80516101a082610214565b179392505050565b5f5f604083850312156101b9575f5ffd5b82516001600160a01b03811681146101cf575f5ffd5b6020939093015192949293505050565b602081525f82518060208401528060208501604085015e5f604082850101526040601f19601f83011684010191505092915050565b80516020808301519190811015610234575f198160200360031b1b821691505b50919050565b60805160a05160c05160e051610100516101205161014051610160516101805161250a6102d05f395f81816102ee015281816107bc015261110101525f818161039b015281816106a2015281816108ef01528181610ba301528181610dce015261161101525f61175501525f61172501525f611bcb01525f611ba301525f611afe01525f611b2801525f611b52015261250a5ff3fe608060405234801561000f575f5ffd5b506004361061016e575f3560e01c806384b0196e116100d2578063b67644b911610088578063e55aee2611610063578063e55aee2614610461578063efa281a514610474578063f3fef3a314610487575f5ffd5b8063b67644b91461041b578063bc6c4f8c1461042e578063c7df14e214610441575f5ffd5b806393b1d669116100b857806393b1d669146103e2578063a19b6bdf146103f5578063a6b4821a14610408575f5ffd5b806384b0196e1461037b578063899e5d8514610396575f5ffd5b80632ec49fb81161012757806347e7ef241161010d57806347e7ef241461033657806370a08231146103495780637ac63a4014610368575f5ffd5b80632ec49fb81461031057806335ff98f714610323575f5ffd5b8063127d08a011610157578063127d08a0146101ad578063171a2a7d146101ce578063196b29f7146102e9575f5ffd5b8063051e24cd146101725780630a953d6a14610198575b5f5ffd5b610185610180366004611e8c565b61049a565b6040519081526020015b60405180910390f35b6101ab6101a6366004611ec6565b6104f8565b005b6101c06101bb366004611ee6565b61050f565b60405161018f929190611f98565b6102dc6101dc366004611fed565b6040805160e0810182525f80825260208201819052918101829052606081018290526080810182905260a0810182905260c0810191909152505f90815260036020908152604091829020825160e081018452815473ffffffffffffffffffffffffffffffffffffffff80821683526bffffffffffffffffffffffff7401000000000000000000000000000000000000000092839004811695840195909552600184015480821696840196909652948190049093166060820152600290910154928316608082015265ffffffffffff918304821660a08201527a0100000000000000000000000000000000000000000000000000009092041660c082015290565b60405161018f9190612004565b6101857f000000000000000000000000000000000000000000000000000000000000000081565b61018561031e3660046120e4565b610659565b610185610331366004611fed565b61067b565b6101ab610344366004612135565b610693565b61018561035736600461215d565b60026020525f908152604090205481565b6101ab61037636600461218c565b61069d565b6103836106d7565b60405161018f9796959493929190612212565b6103bd7f000000000000000000000000000000000000000000000000000000000000000081565b60405173ffffffffffffffffffffffffffffffffffffffff909116815260200161018f565b6101ab6103f0366004611fed565b610735565b610185610403366004611fed565b61084c565b6101856104163660046120e4565b6108bd565b6101ab610429366004611ec6565b6108d6565b61018561043c3660046122d1565b6108e9565b61045461044f366004611fed565b610937565b60405161018f9190612335565b61018561046f366004611ec6565b6109d0565b610185610482366004611fed565b610a33565b6101ab610495366004612135565b610aad565b6040805146602080830191909152308284015273ffffffffffffffffffffffffffffffffffffffff80871660608401528516608083015260a08083018590528351808403909101815260c090920190925280519101205b9392505050565b6105028282610bca565b61050b81610d43565b5050565b5f6060828067ffffffffffffffff81111561052c5761052c61234f565b604051908082528060200260200182016040528015610555578160200160208202803683370190505b5091505f5b8181101561065057368686838181106105755761057561237c565b905060200281019061058791906123a9565b90505f5f61059483610dff565b90925090505f8260048111156105ac576105ac611f57565b036105c2576105bb8188612412565b9650610642565b818685815181106105d5576105d561237c565b602002602001019060048111156105ee576105ee611f57565b9081600481111561060157610601611f57565b9052506040518335907fa330180ed67c34021e73fda7218747fc908f3d221c32df2b2d5433248b3c9274906106399087908690612425565b60405180910390a25b50505080600101905061055a565b50509250929050565b5f6106678686868686611053565b90506106728261136f565b95945050505050565b5f61068d610688836113d7565b61148e565b92915050565b61050b82826114eb565b6106c87f00000000000000000000000000000000000000000000000000000000000000003383611639565b6106d283836114eb565b505050565b5f6060805f5f5f60606106e861171e565b6106f061174e565b604080515f808252602082019092527f0f000000000000000000000000000000000000000000000000000000000000009b939a50919850469750309650945092509050565b5f61073f826113d7565b905061074a81611779565b60028101547a010000000000000000000000000000000000000000000000000000900465ffffffffffff16156107b4576040517ffb575f78000000000000000000000000000000000000000000000000000000008152600481018390526024015b60405180910390fd5b6107e66107e17f000000000000000000000000000000000000000000000000000000000000000042612412565b6117e2565b81600201601a6101000a81548165ffffffffffff021916908365ffffffffffff160217905550817feec92754a410c0aca8d3968ee8960b7d87227abc211a0be4832258fdcba454a56108378361148e565b60405190815260200160405180910390a25050565b5f5f610857836113d7565b905061086281611779565b5f61086c8261148e565b9050804210156108ab576040517f1a325834000000000000000000000000000000000000000000000000000000008152600481018290526024016107ab565b6108b58483611831565b949350505050565b5f6108cb8686868686611053565b905061067282610d43565b6108e08282610bca565b61050b8161136f565b5f6109157f00000000000000000000000000000000000000000000000000000000000000003384611639565b6109228787878787611053565b905061092d83610d43565b9695505050505050565b5f818152600360205260408120805473ffffffffffffffffffffffffffffffffffffffff1661096857505f92915050565b600281015473ffffffffffffffffffffffffffffffffffffffff166109905750600392915050565b60028101547a010000000000000000000000000000000000000000000000000000900465ffffffffffff16156109c75760026104f1565b60019392505050565b5f6104f1610a2e8484604080517f5e172d4a19b08b5b7f0354399a080f05a28476f34f987f7cd87e69a4065d4ec060208083019190915281830194909452606080820193909352815180820390930183526080019052805191012090565b6118fd565b5f5f610a3e836113d7565b600181015490915073ffffffffffffffffffffffffffffffffffffffff163381146108ab576040517f4322d3b800000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff821660048201526024016107ab565b73ffffffffffffffffffffffffffffffffffffffff8216610afa576040517fd92e233d00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b805f03610b33576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b610b3c8161136f565b60405181815273ffffffffffffffffffffffffffffffffffffffff83169033907fd1c19fbcd4551a5edfb66d43d2e337c04837afda3482b42bdf569a8fccdae5fb9060200160405180910390a361050b73ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000168383611944565b805f03610c03576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b5f610c0d836113d7565b9050610c1881611779565b60028101547a010000000000000000000000000000000000000000000000000000900465ffffffffffff1615610c7d576040517ffb575f78000000000000000000000000000000000000000000000000000000008152600481018490526024016107ab565b80545f90610cb29084907401000000000000000000000000000000000000000090046bffffffffffffffffffffffff16612412565b9050610cbd8161199f565b82546bffffffffffffffffffffffff91909116740100000000000000000000000000000000000000000273ffffffffffffffffffffffffffffffffffffffff909116178255604080518481526020810183905285917f9cccb87b8f66309aa4e78924a7f8bbe8cb5ddd377aa929dd7a622132781856aa910160405180910390a250505050565b335f9081526002602052604090205480821115610df6575f610d658284612439565b90508115610d7d57335f908152600260205260408120555b604051818152339081907f8752a472e571a816aea92eec8dae9baf628e840f4929fbcc2d155e6233ff68a79060200160405180910390a36106d273ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000163330846119f0565b61050b8261136f565b80355f81815260036020526040812060028101549192839290919073ffffffffffffffffffffffffffffffffffffffff1680610e6a57815473ffffffffffffffffffffffffffffffffffffffff161580610e5a576002610e5d565b60015b975f975095505050505050565b600182015482546bffffffffffffffffffffffff74010000000000000000000000000000000000000000928390048116925f92610eb09260208c01359290910416611a52565b9050818111610ec957506003975f975095505050505050565b5f610ed8868a602001356109d0565b90505f80610ef283610eed60408e018e61244c565b611a61565b5090925090505f816003811115610f0b57610f0b611f57565b141580610f4457508573ffffffffffffffffffffffffffffffffffffffff168273ffffffffffffffffffffffffffffffffffffffff1614155b15610f5c575060049a5f9a5098505050505050505050565b600187015473ffffffffffffffffffffffffffffffffffffffff16610f818686612439565b6001890180546bffffffffffffffffffffffff8816740100000000000000000000000000000000000000000273ffffffffffffffffffffffffffffffffffffffff9182161790915582165f9081526002602052604081208054929c508c92909190610fed908490612412565b9091555050604080518b81526020810187905273ffffffffffffffffffffffffffffffffffffffff8316918b917fd9fad8bbae19b66c5608c3622eeb4514b2ba19d479081e3c9aa67e362d788733910160405180910390a3505050505050505050915091565b5f73ffffffffffffffffffffffffffffffffffffffff8616158061108b575073ffffffffffffffffffffffffffffffffffffffff8516155b156110c2576040517fd92e233d00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b815f036110fb576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b5f6111267f000000000000000000000000000000000000000000000000000000000000000042612412565b9050808465ffffffffffff16101561117b576040517f7ea72b640000000000000000000000000000000000000000000000000000000081526004810182905265ffffffffffff851660248201526044016107ab565b6040805146602080830191909152308284015233606083015273ffffffffffffffffffffffffffffffffffffffff8a16608083015260a08083018990528351808403909101815260c090920190925280519101205f81815260036020526040902080549193509073ffffffffffffffffffffffffffffffffffffffff1615611232576040517fa940c060000000000000000000000000000000000000000000000000000000008152600481018490526024016107ab565b80547fffffffffffffffffffffffff000000000000000000000000000000000000000016331781556112638461199f565b815473ffffffffffffffffffffffffffffffffffffffff908116740100000000000000000000000000000000000000006bffffffffffffffffffffffff9390931683021783556001830180547fffffffffffffffffffffffff0000000000000000000000000000000000000000168b8316908117909155600284018054928b167fffffffffffff0000000000000000000000000000000000000000000000000000909316831765ffffffffffff8a1694850217905560408051928352602083018a905282019290925260608101869052339085907fd790e0e1a68bcfe3404dbd35e4b1a70971d9f4ca41634fc019507f8d7bbf2b149060800160405180910390a4505095945050505050565b335f90815260026020526040902054808211156113c2576040517fcf47918100000000000000000000000000000000000000000000000000000000815260048101839052602481018290526044016107ab565b335f9081526002602052604090209190039055565b5f818152600360205260409020805473ffffffffffffffffffffffffffffffffffffffff16611435576040517fcba6e63a000000000000000000000000000000000000000000000000000000008152600481018390526024016107ab565b600281015473ffffffffffffffffffffffffffffffffffffffff16611489576040517fc634fd03000000000000000000000000000000000000000000000000000000008152600481018390526024016107ab565b919050565b60028101545f9065ffffffffffff7a01000000000000000000000000000000000000000000000000000082048116917401000000000000000000000000000000000000000090041681156104f1576114e68282611a52565b6108b5565b73ffffffffffffffffffffffffffffffffffffffff8216611538576040517fd92e233d00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b805f03611571576040517f1f2a200500000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b73ffffffffffffffffffffffffffffffffffffffff82165f90815260026020526040812080548392906115a5908490612412565b9091555050604051818152339073ffffffffffffffffffffffffffffffffffffffff8416907f8752a472e571a816aea92eec8dae9baf628e840f4929fbcc2d155e6233ff68a79060200160405180910390a361050b73ffffffffffffffffffffffffffffffffffffffff7f0000000000000000000000000000000000000000000000000000000000000000163330846119f0565b73ffffffffffffffffffffffffffffffffffffffff831663d505accf83308435602086013561166e60608801604089016124b4565b6040517fffffffff0000000000000000000000000000000000000000000000000000000060e088901b16815273ffffffffffffffffffffffffffffffffffffffff95861660048201529490931660248501526044840191909152606483015260ff166084820152606084013560a4820152608084013560c482015260e4015f604051808303815f87803b158015611703575f5ffd5b505af1925050508015611714575060015b156106d257505050565b60606117497f0000000000000000000000000000000000000000000000000000000000000000611aa8565b905090565b60606117497f0000000000000000000000000000000000000000000000000000000000000000611aa8565b805473ffffffffffffffffffffffffffffffffffffffff1633811461050b576040517f04a114fa00000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff821660048201526024016107ab565b5f65ffffffffffff82111561182d576040517f6dfcc65000000000000000000000000000000000000000000000000000000000815260306004820152602481018390526044016107ab565b5090565b600181015481545f916bffffffffffffffffffffffff7401000000000000000000000000000000000000000091829004811692611872928492910416612439565b5f6002850155915081156118bb57825473ffffffffffffffffffffffffffffffffffffffff165f90815260026020526040812080548492906118b5908490612412565b90915550505b604080518281526020810184905285917faee37d46ae7638649199a415cd6d49cc67df520cf2c80210daac017e0df3ab98910160405180910390a25092915050565b5f61068d611909611ae5565b836040517f19010000000000000000000000000000000000000000000000000000000000008152600281019290925260228201526042902090565b6119518383836001611c1b565b6106d2576040517f5274afe700000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff841660048201526024016107ab565b5f6bffffffffffffffffffffffff82111561182d576040517f6dfcc65000000000000000000000000000000000000000000000000000000000815260606004820152602481018390526044016107ab565b6119fe848484846001611ca3565b611a4c576040517f5274afe700000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff851660048201526024016107ab565b50505050565b5f8282188284100282186104f1565b5f80806041849003611a95578435602086013560408701355f1a611a8789828585611d36565b955095509550505050611a9f565b505f915060029050825b93509350939050565b60605f611ab483611e29565b6040805160208082528183019092529192505f91906020820181803683375050509182525060208101929092525090565b5f3073ffffffffffffffffffffffffffffffffffffffff7f000000000000000000000000000000000000000000000000000000000000000016148015611b4a57507f000000000000000000000000000000000000000000000000000000000000000046145b15611b7457507f000000000000000000000000000000000000000000000000000000000000000090565b611749604080517f8b73c3c69bb8fe3d512ecc4cf759cc79239f7b179b0ffacaa9a75d522b39400f60208201527f0000000000000000000000000000000000000000000000000000000000000000918101919091527f000000000000000000000000000000000000000000000000000000000000000060608201524660808201523060a08201525f9060c00160405160208183030381529060405280519060200120905090565b6040517fa9059cbb000000000000000000000000000000000000000000000000000000005f81815273ffffffffffffffffffffffffffffffffffffffff8616600452602485905291602083604481808b5af1925060015f51148316611c97578383151615611c8b573d5f823e3d81fd5b5f873b113d1516831692505b60405250949350505050565b6040517f23b872dd000000000000000000000000000000000000000000000000000000005f81815273ffffffffffffffffffffffffffffffffffffffff8781166004528616602452604485905291602083606481808c5af1925060015f51148316611d25578383151615611d19573d5f823e3d81fd5b5f883b113d1516831692505b604052505f60605295945050505050565b5f80807f7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0841115611d6f57505f91506003905082611e1f565b604080515f808252602082018084528a905260ff891692820192909252606081018790526080810186905260019060a0016020604051602081039080840390855afa158015611dc0573d5f5f3e3d5ffd5b50506040517fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0015191505073ffffffffffffffffffffffffffffffffffffffff8116611e1657505f925060019150829050611e1f565b92505f91508190505b9450945094915050565b5f60ff8216601f81111561068d576040517fb3512b0c00000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b803573ffffffffffffffffffffffffffffffffffffffff81168114611489575f5ffd5b5f5f5f60608486031215611e9e575f5ffd5b611ea784611e69565b9250611eb560208501611e69565b929592945050506040919091013590565b5f5f60408385031215611ed7575f5ffd5b50508035926020909101359150565b5f5f60208385031215611ef7575f5ffd5b823567ffffffffffffffff811115611f0d575f5ffd5b8301601f81018513611f1d575f5ffd5b803567ffffffffffffffff811115611f33575f5ffd5b8560208260051b8401011115611f47575f5ffd5b6020919091019590945092505050565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52602160045260245ffd5b60058110611f9457611f94611f57565b9052565b5f60408201848352604060208401528084518083526060850191506020860192505f5b81811015611fe157611fce838551611f84565b6020938401939290920191600101611fbb565b50909695505050505050565b5f60208284031215611ffd575f5ffd5b5035919050565b5f60e08201905073ffffffffffffffffffffffffffffffffffffffff83511682526bffffffffffffffffffffffff602084015116602083015273ffffffffffffffffffffffffffffffffffffffff60408401511660408301526bffffffffffffffffffffffff606084015116606083015273ffffffffffffffffffffffffffffffffffffffff608084015116608083015260a08301516120ae60a084018265ffffffffffff169052565b5060c08301516120c860c084018265ffffffffffff169052565b5092915050565b803565ffffffffffff81168114611489575f5ffd5b5f5f5f5f5f60a086880312156120f8575f5ffd5b61210186611e69565b945061210f60208701611e69565b935060408601359250612124606087016120cf565b949793965091946080013592915050565b5f5f60408385031215612146575f5ffd5b61214f83611e69565b946020939093013593505050565b5f6020828403121561216d575f5ffd5b6104f182611e69565b5f60a08284031215612186575f5ffd5b50919050565b5f5f5f60e0848603121561219e575f5ffd5b6121a784611e69565b9250602084013591506121bd8560408601612176565b90509250925092565b5f81518084528060208401602086015e5f6020828601015260207fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0601f83011685010191505092915050565b7fff000000000000000000000000000000000000000000000000000000000000008816815260e060208201525f61224c60e08301896121c6565b828103604084015261225e81896121c6565b6060840188905273ffffffffffffffffffffffffffffffffffffffff8716608085015260a0840186905283810360c0850152845180825260208087019350909101905f5b818110156122c05783518352602093840193909201916001016122a2565b50909b9a5050505050505050505050565b5f5f5f5f5f5f61014087890312156122e7575f5ffd5b6122f087611e69565b95506122fe60208801611e69565b945060408701359350612313606088016120cf565b9250608087013591506123298860a08901612176565b90509295509295509295565b602081016004831061234957612349611f57565b91905290565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52604160045260245ffd5b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffd5b5f82357fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa18336030181126123db575f5ffd5b9190910192915050565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b8082018082111561068d5761068d6123e5565b828152604081016104f16020830184611f84565b8181038181111561068d5761068d6123e5565b5f5f83357fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe184360301811261247f575f5ffd5b83018035915067ffffffffffffffff821115612499575f5ffd5b6020019150368190038213156124ad575f5ffd5b9250929050565b5f602082840312156124c4575f5ffd5b813560ff811681146104f1575f5ffdfea2646970667358221220d4743e15cd82ac49d31fc75c1d4f24cab61786f8fd4c3e9dedd004960398b77d64736f6c63430008250033'

export const auditAnchorAbi = [
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "firstSequence",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "lastSequence",
        "type": "uint64"
      }
    ],
    "name": "EmptyRange",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "expected",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "given",
        "type": "uint64"
      }
    ],
    "name": "UnexpectedSequence",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      }
    ],
    "name": "UnknownAnchor",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroRoot",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "firstSequence",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "lastSequence",
        "type": "uint64"
      }
    ],
    "name": "Anchored",
    "type": "event"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "root",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "firstSequence",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "lastSequence",
        "type": "uint64"
      }
    ],
    "name": "anchor",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "internalType": "uint256",
        "name": "index",
        "type": "uint256"
      }
    ],
    "name": "anchorAt",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "commitment",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      }
    ],
    "name": "anchorCount",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "count",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      }
    ],
    "name": "nextSequence",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "sequence",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "node",
        "type": "address"
      },
      {
        "components": [
          {
            "internalType": "uint256",
            "name": "index",
            "type": "uint256"
          },
          {
            "internalType": "uint64",
            "name": "firstSequence",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "lastSequence",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "sequence",
            "type": "uint64"
          },
          {
            "internalType": "bytes",
            "name": "eventHash",
            "type": "bytes"
          },
          {
            "internalType": "bytes32[]",
            "name": "proof",
            "type": "bytes32[]"
          }
        ],
        "internalType": "struct IAuditAnchor.InclusionProof",
        "name": "inclusion",
        "type": "tuple"
      }
    ],
    "name": "verify",
    "outputs": [
      {
        "internalType": "bool",
        "name": "included",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  }
] as const

export const auditAnchorBytecode =
  '0x6080604052348015600e575f5ffd5b506109ab8061001c5f395ff3fe608060405234801561000f575f5ffd5b5060043610610064575f3560e01c8063755c698a1161004d578063755c698a146100e6578063b84d1ed9146100f9578063fcc5d3e91461010c575f5ffd5b8063368392d5146100685780634cf842b5146100ba575b5f5ffd5b6100a76100763660046106df565b73ffffffffffffffffffffffffffffffffffffffff165f9081526020819052604090205467ffffffffffffffff1690565b6040519081526020015b60405180910390f35b6100cd6100c83660046106df565b61012f565b60405167ffffffffffffffff90911681526020016100b1565b6100a76100f436600461070f565b61017b565b6100a7610107366004610748565b6103da565b61011f61011a366004610770565b610460565b60405190151581526020016100b1565b73ffffffffffffffffffffffffffffffffffffffff81165f908152602081905260408120546101759068010000000000000000900467ffffffffffffffff1660016107c1565b92915050565b5f836101b3576040517fb263ae7300000000000000000000000000000000000000000000000000000000815260040160405180910390fd5b335f9081526020818152604080832081518083019092525467ffffffffffffffff8082168352680100000000000000009091041691810182905291906101fa9060016107c1565b90508067ffffffffffffffff168567ffffffffffffffff1614610262576040517fac8e4f5c00000000000000000000000000000000000000000000000000000000815267ffffffffffffffff8083166004830152861660248201526044015b60405180910390fd5b8467ffffffffffffffff168467ffffffffffffffff1610156102c4576040517f92ef968c00000000000000000000000000000000000000000000000000000000815267ffffffffffffffff808716600483015285166024820152604401610259565b815f015167ffffffffffffffff1692506040518060400160405280835f015160016102ef91906107c1565b67ffffffffffffffff9081168252868116602092830152335f90815280835260409020835181549490930151821668010000000000000000027fffffffffffffffffffffffffffffffff0000000000000000000000000000000090941692909116919091179190911790556103658686866105a1565b335f81815260016020908152604080832088845282529182902093909355805189815267ffffffffffffffff808a16948201949094529287169083015284917f996ae62d405608fd7a95069d3464e81fb20f59d960f80610ea05918cf232665a9060600160405180910390a350509392505050565b73ffffffffffffffffffffffffffffffffffffffff82165f90815260016020908152604080832084845290915290205480610175576040517ff09cff1900000000000000000000000000000000000000000000000000000000815273ffffffffffffffffffffffffffffffffffffffff8416600482015260248101839052604401610259565b5f60406104706080840184610806565b90501461047e57505f610175565b61048e604083016020840161086e565b67ffffffffffffffff166104a8608084016060850161086e565b67ffffffffffffffff1610806104ef57506104c9606083016040840161086e565b67ffffffffffffffff166104e3608084016060850161086e565b67ffffffffffffffff16115b156104fb57505f610175565b5f61052161050f608085016060860161086e565b61051c6080860186610806565b6105f1565b90505f61053a61053460a0860186610887565b84610647565b905061056581610550604087016020880161086e565b610560606088016040890161086e565b6105a1565b73ffffffffffffffffffffffffffffffffffffffff86165f90815260016020908152604080832088358452909152902054149250505092915050565b5f8383836040516020016105d29392919092835267ffffffffffffffff918216602084015216604082015260600190565b6040516020818303038152906040528051906020012090509392505050565b5f838383604051602001610607939291906108eb565b604080517fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe0818403018152828252805160209182012090830152016105d2565b5f81815b8481101561067f576106758287878481811061066957610669610948565b90506020020135610688565b915060010161064b565b50949350505050565b5f8183106106a2575f8281526020849052604090206106b0565b5f8381526020839052604090205b9392505050565b803573ffffffffffffffffffffffffffffffffffffffff811681146106da575f5ffd5b919050565b5f602082840312156106ef575f5ffd5b6106b0826106b7565b803567ffffffffffffffff811681146106da575f5ffd5b5f5f5f60608486031215610721575f5ffd5b83359250610731602085016106f8565b915061073f604085016106f8565b90509250925092565b5f5f60408385031215610759575f5ffd5b610762836106b7565b946020939093013593505050565b5f5f60408385031215610781575f5ffd5b61078a836106b7565b9150602083013567ffffffffffffffff8111156107a5575f5ffd5b830160c081860312156107b6575f5ffd5b809150509250929050565b67ffffffffffffffff8181168382160190811115610175577f4e487b71000000000000000000000000000000000000000000000000000000005f52601160045260245ffd5b5f5f83357fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe1843603018112610839575f5ffd5b83018035915067ffffffffffffffff821115610853575f5ffd5b602001915036819003821315610867575f5ffd5b9250929050565b5f6020828403121561087e575f5ffd5b6106b0826106f8565b5f5f83357fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe18436030181126108ba575f5ffd5b83018035915067ffffffffffffffff8211156108d4575f5ffd5b6020019150600581901b3603821315610867575f5ffd5b67ffffffffffffffff8416815260406020820152816040820152818360608301375f818301606090810191909152601f9092017fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe016010192915050565b7f4e487b71000000000000000000000000000000000000000000000000000000005f52603260045260245ffdfea26469706673582212202fd3efebac43cf6a5bc1786633ca2d11662168c261662fa2a95313f9ffad135464736f6c63430008250033'
