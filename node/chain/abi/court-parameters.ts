// Made by `npm run generate` from contracts/. Do not edit.

export const courtParametersAbi = [
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "owner_",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "staking_",
        "type": "address"
      },
      {
        "components": [
          {
            "internalType": "uint96",
            "name": "bond",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "jurorBond",
            "type": "uint96"
          },
          {
            "internalType": "uint16",
            "name": "drawDelay",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "bountyBps",
            "type": "uint16"
          },
          {
            "internalType": "uint8",
            "name": "jurySize",
            "type": "uint8"
          },
          {
            "internalType": "uint96",
            "name": "jurorFee",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "weightCap",
            "type": "uint96"
          },
          {
            "internalType": "uint32",
            "name": "challengeWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "responseWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "drawPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "commitPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "revealPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "appealWindow",
            "type": "uint32"
          }
        ],
        "internalType": "struct ICourtParameters.Parameters",
        "name": "parameters",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "uint16",
            "name": "first",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "second",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "further",
            "type": "uint16"
          }
        ],
        "internalType": "struct ICourtParameters.Penalties[5]",
        "name": "penalties",
        "type": "tuple[5]"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "longest",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "limit",
        "type": "uint256"
      }
    ],
    "name": "CourseTooLong",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "jurySize",
        "type": "uint256"
      }
    ],
    "name": "InvalidJurySize",
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
        "internalType": "bytes32",
        "name": "name",
        "type": "bytes32"
      },
      {
        "internalType": "uint256",
        "name": "given",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "lowest",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "highest",
        "type": "uint256"
      }
    ],
    "name": "ParameterOutOfBounds",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "PenaltiesNotGraded",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "ZeroStaking",
    "type": "error"
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
        "internalType": "uint256",
        "name": "version",
        "type": "uint256"
      },
      {
        "components": [
          {
            "internalType": "uint96",
            "name": "bond",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "jurorBond",
            "type": "uint96"
          },
          {
            "internalType": "uint16",
            "name": "drawDelay",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "bountyBps",
            "type": "uint16"
          },
          {
            "internalType": "uint8",
            "name": "jurySize",
            "type": "uint8"
          },
          {
            "internalType": "uint96",
            "name": "jurorFee",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "weightCap",
            "type": "uint96"
          },
          {
            "internalType": "uint32",
            "name": "challengeWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "responseWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "drawPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "commitPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "revealPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "appealWindow",
            "type": "uint32"
          }
        ],
        "indexed": false,
        "internalType": "struct ICourtParameters.Parameters",
        "name": "parameters",
        "type": "tuple"
      }
    ],
    "name": "ParametersSet",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "enum ICourtParameters.Fault",
        "name": "fault",
        "type": "uint8"
      },
      {
        "components": [
          {
            "internalType": "uint16",
            "name": "first",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "second",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "further",
            "type": "uint16"
          }
        ],
        "indexed": false,
        "internalType": "struct ICourtParameters.Penalties",
        "name": "penalties",
        "type": "tuple"
      }
    ],
    "name": "PenaltiesSet",
    "type": "event"
  },
  {
    "inputs": [],
    "name": "BPS",
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
    "name": "MAX_BOND",
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
    "name": "MAX_BOUNTY_BPS",
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
    "name": "MAX_DRAW_DELAY",
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
    "name": "MAX_FIRST_PENALTY_BPS",
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
    "name": "MAX_WEIGHT_MULTIPLE",
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
    "name": "MIN_BOND",
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
    "name": "MIN_PERIOD",
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
    "inputs": [
      {
        "internalType": "uint256",
        "name": "version",
        "type": "uint256"
      }
    ],
    "name": "parametersAt",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint96",
            "name": "bond",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "jurorBond",
            "type": "uint96"
          },
          {
            "internalType": "uint16",
            "name": "drawDelay",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "bountyBps",
            "type": "uint16"
          },
          {
            "internalType": "uint8",
            "name": "jurySize",
            "type": "uint8"
          },
          {
            "internalType": "uint96",
            "name": "jurorFee",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "weightCap",
            "type": "uint96"
          },
          {
            "internalType": "uint32",
            "name": "challengeWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "responseWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "drawPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "commitPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "revealPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "appealWindow",
            "type": "uint32"
          }
        ],
        "internalType": "struct ICourtParameters.Parameters",
        "name": "parameters",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "parametersVersion",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "version",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "enum ICourtParameters.Fault",
        "name": "fault",
        "type": "uint8"
      }
    ],
    "name": "penaltiesOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint16",
            "name": "first",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "second",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "further",
            "type": "uint16"
          }
        ],
        "internalType": "struct ICourtParameters.Penalties",
        "name": "penalties",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "enum ICourtParameters.Fault",
        "name": "fault",
        "type": "uint8"
      },
      {
        "internalType": "uint256",
        "name": "earlier",
        "type": "uint256"
      },
      {
        "internalType": "uint256",
        "name": "stake",
        "type": "uint256"
      }
    ],
    "name": "penaltyDown",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "penalty",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
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
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint96",
            "name": "bond",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "jurorBond",
            "type": "uint96"
          },
          {
            "internalType": "uint16",
            "name": "drawDelay",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "bountyBps",
            "type": "uint16"
          },
          {
            "internalType": "uint8",
            "name": "jurySize",
            "type": "uint8"
          },
          {
            "internalType": "uint96",
            "name": "jurorFee",
            "type": "uint96"
          },
          {
            "internalType": "uint96",
            "name": "weightCap",
            "type": "uint96"
          },
          {
            "internalType": "uint32",
            "name": "challengeWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "responseWindow",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "drawPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "commitPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "revealPeriod",
            "type": "uint32"
          },
          {
            "internalType": "uint32",
            "name": "appealWindow",
            "type": "uint32"
          }
        ],
        "internalType": "struct ICourtParameters.Parameters",
        "name": "parameters",
        "type": "tuple"
      }
    ],
    "name": "setParameters",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "enum ICourtParameters.Fault",
        "name": "fault",
        "type": "uint8"
      },
      {
        "components": [
          {
            "internalType": "uint16",
            "name": "first",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "second",
            "type": "uint16"
          },
          {
            "internalType": "uint16",
            "name": "further",
            "type": "uint16"
          }
        ],
        "internalType": "struct ICourtParameters.Penalties",
        "name": "penalties",
        "type": "tuple"
      }
    ],
    "name": "setPenalties",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "staking",
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
