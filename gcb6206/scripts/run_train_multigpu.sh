#!/usr/bin/env bash
# Train two arms with MAPPO on several GPUs of this machine, one rank on each.
#
#   run_train_multigpu.sh [N] [CHECKPOINT] [--FLAG VALUE ...]
#
# N is the number of ranks: by default one for each GPU. CHECKPOINT and other flags are those of run_train.sh.
# CUDA_VISIBLE_DEVICES=0,2 takes certain GPUs; DEVICE=cpu puts the ranks on the CPU, to try it.
# RUN_ROOT_DIR says where runs are kept (runs/mappo), PYTHON which interpreter.
set -euo pipefail
python=${PYTHON:-python}
device=${DEVICE:-cuda}

if [[ ${1:-} =~ ^[0-9]+$ ]]; then ranks=$1; shift
else ranks=$("$python" -c 'import torch; print(torch.cuda.device_count())'); fi
if [[ $ranks -lt 1 ]]; then
  echo "no GPU found: give a number of ranks and DEVICE=cpu, as in  DEVICE=cpu $0 2" >&2
  exit 2
fi
words=()
if [[ $# -gt 0 && $1 != --* ]]; then words+=(--pretrained_checkpoint "$1"); shift; fi
exec "$python" -m torch.distributed.run --standalone --nnodes=1 --nproc_per_node="$ranks" \
  -m gcb6206.scripts.train_mappo --solutions --log_root "${RUN_ROOT_DIR:-runs/mappo}" --device "$device" \
  "${words[@]}" "$@"
