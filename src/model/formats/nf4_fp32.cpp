// NF4 (QLoRA, arXiv 2305.14314) with each block's peak in fp32. Parts: codes, peaks (Nf4Blocks).
#include "model/formats/nf4_blocks.h"
#include "model/formats/packing.h"

namespace unlearn::model {
namespace {

std::vector<torch::Tensor> pack_nf4_fp32(const torch::Tensor& matrix) {
  const Nf4Blocks blocks = pack_nf4_blocks(matrix);
  return {blocks.codes, blocks.peaks};
}

torch::Tensor unpack_nf4_fp32(const PackedMatrix& packed) {
  kernels::PackedMatrix args;
  args.bits = 4;
  args.codes = packed.parts[0].const_data_ptr();
  args.scales = packed.parts[1].const_data_ptr<float>();
  return run_unpack(packed, args);
}

int64_t nf4_fp32_bytes(int64_t rows, int64_t columns) {
  return divide_up(rows * columns, 2) +
         nf4_blocks_of(rows * columns) * static_cast<int64_t>(sizeof(float));
}

}  // namespace

WeightFormat make_nf4_fp32() {
  return {.name = "nf4_fp32",
          .help = "4 bits: NF4 in blocks of 64 with a scale in fp32 each",
          .bits = 4,
          .copy_bits = 4,
          .pack = pack_nf4_fp32,
          .unpack = unpack_nf4_fp32,
          .bytes = nf4_fp32_bytes};
}

}  // namespace unlearn::model
