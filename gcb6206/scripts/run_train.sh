#!/usr/bin/env bash
# Train two arms with MAPPO: on this machine's CPU or one GPU, or on several GPUs.
#
#   run_train.sh [CHECKPOINT] [--multi-gpu [N]] [--FLAG VALUE ...]
#
# CHECKPOINT is the directory of a policy to begin with, such as runs/cloning/RUN/checkpoint_700_best; without one a new
# small model begins. --multi-gpu takes N GPUs, or all. Other flags go to gcb6206.scripts.train_mappo.
# RUN_ROOT_DIR says where runs are kept (runs/mappo), DEVICE where one rank computes, PYTHON which interpreter.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

words=()
if [[ $# -gt 0 && $1 != --* ]]; then words+=(--pretrained_checkpoint "$1"); shift; fi
if [[ ${1:-} == --multi-gpu ]]; then
  shift
  number=()
  if [[ ${1:-} =~ ^[0-9]+$ ]]; then number=("$1"); shift; fi
  exec "$here/run_train_multigpu.sh" "${number[@]}" "${words[@]:1}" "$@"
fi
exec "${PYTHON:-python}" -m gcb6206.scripts.train_mappo --solutions --log_root "${RUN_ROOT_DIR:-runs/mappo}" \
  --device "${DEVICE:-cpu}" "${words[@]}" "$@"
