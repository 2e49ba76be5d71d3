package dev.monoquant.core.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Codes as other projects store them, and tensors of ordinary models that look a little like it.
 */
class CodeTensorsTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fp8 of 128 x 128 blocks | FP8 | l.weight F8_E4M3 320x256, l.weight_scale_inv F32 3x2",
        "fp8 experts in 3-D | FP8 | e.gate_up_proj F8_E4M3 4x64x128, e.gate_up_proj_scale_inv F32 4x1x1",
        "fp8 with powers of two | FP8 | w1.weight F8_E4M3 256x256, w1.scale F8_E8M0 2x2",
        "the same as F32 | FP8 | w1.weight F8_E4M3 256x256, w1.scale F32 2x2",
        "fp4 experts, two in a byte | 8-bit integer codes | w1.weight I8 64x32, w1.scale F8_E8M0 64x2",
        "fp4 experts of their own type | FP4 | w1.weight F4 64x64, w1.scale F8_E8M0 64x2",
        "static fp8 | FP8 | l.weight F8_E4M3 64x32, l.weight_scale F32 scalar, l.input_scale F32 1",
        "fp8 of rows | FP8 | l.weight F8_E4M3 64x32, l.weight_scale BF16 64x1",
        "fp8 of the fnuz kind | FP8 | l.weight F8_E4M3FNUZ 64x32, l.weight_scale F32 1",
        "fp8 of another name first | FP8 | l.weight F8_E4M3 64x32, l.scale_weight F32 1",
        "mxfp8 | MXFP8 | l.weight F8_E4M3 64x64, l.weight_scale U8 64x2",
        "mxfp4 blocks | MXFP4 | e.up_proj_blocks U8 4x64x2x16, e.up_proj_scales U8 4x64x2",
        "gptq | GPTQ | l.qweight I32 8x32, l.qzeros I32 2x4, l.scales F16 2x32, l.g_idx I32 64",
        "gptq without order | GPTQ | l.qweight I32 8x32, l.qzeros I32 2x4, l.scales F16 2x32",
        "gptq of 3 bits | GPTQ | l.qweight I32 6x32, l.qzeros I32 2x3, l.scales F16 2x32, l.g_idx I32 64",
        "gptq of columns | GPTQ | l.qweight I32 8x32, l.qzeros I32 1x4, l.scales F16 1x32",
        "awq | AWQ | l.qweight I32 64x4, l.qzeros I32 2x4, l.scales F16 2x32",
        "awq of the transposed kind | AWQ | l.qweight I32 64x8, l.qzeros I32 64x1, l.scales F16 64x4",
        "marlin | Marlin | l.B I32 4x64, l.s F16 2x32, l.workspace I32 16",
        "exl2 | EXL2 | l.q_weight I32 8x32, l.q_scale I32 2x4, l.q_scale_max F16 2, l.q_invperm I16 64",
        "exl3 | EXL3 | l.trellis I16 4x4x64, l.suh F16 64, l.svh F16 64",
        "aqlm | AQLM | l.codes I16 64x8x1, l.codebooks F16 1x256x1x8, l.scales F16 64x1x1x1",
        "vptq | VPTQ | l.indices I32 1x16x8, l.centroids.weight F16 1x2048",
        "quip | QuIP# | l.Qidxs I64 64x8, l.SU F16 64, l.SV F16 64",
        "nf4 | bitsandbytes, 4 bits | l.weight U8 1024x1, l.weight.absmax U8 32, l.weight.quant_map F32 16, l.weight.quant_state.bitsandbytes__nf4 U8 90",
        "nf4 kept in floats for training | bitsandbytes, 4 bits | l.weight BF16 512x1, l.weight.absmax F32 32, l.weight.quant_map F32 16",
        "llm.int8 | bitsandbytes, 8 bits | l.weight I8 64x32, l.SCB F32 64, l.weight_format U8 scalar",
        "nvfp4 of modelopt | NVFP4 | l.weight U8 64x32, l.weight_scale F8_E4M3 64x4, l.weight_scale_2 F32 scalar, l.input_scale F32 scalar",
        "nvfp4 of compressed-tensors | NVFP4 | l.weight_packed U8 64x32, l.weight_scale F8_E4M3 64x4, l.weight_global_scale F32 1",
        "mxfp4 of compressed-tensors | MXFP4 | l.weight_packed U8 64x32, l.weight_scale U8 64x2",
        "packed words | compressed-tensors without its config.json | l.weight_packed I32 64x4, l.weight_scale BF16 64x1, l.weight_shape I64 2",
        "plain int8 | 8-bit integer codes | l.weight I8 64x32, l.weight_scale BF16 64x1",
        "int8 of columns | 8-bit integer codes | l.weight I8 32x64, l.weight_scales F16 64",
        "mlx | MLX | l.weight U32 64x4, l.scales BF16 64x1, l.biases BF16 64x1",
        "mlx of powers of two | MLX | l.weight U32 64x8, l.scales U8 64x2",
        "quanto | quanto | l.weight._data I8 64x32, l.weight._scale F32 64x1, l.input_scale F32 scalar",
        "quanto of 4 bits | quanto | l.weight._data._data U8 16x32, l.weight._scale F32 32x1, l.weight._shift F32 32x1",
        "hqq | HQQ | l.W_q U8 32x32, l.scale F16 32x1, l.zero F16 32x1, l.shape I64 2",
        "torchao | torchao | l._weight_qdata I8 64x32, l._weight_scale F32 64",
        "torchao of 4 bits | torchao | l._weight_qdata I32 8x4, l._weight_scale_and_zero BF16 2x64x2",
        "torchao of powers of two | torchao | l._weight_qdata F8_E4M3 64x64, l._weight_scale F8_E8M0 64x2",
        "svdquant | SVDQuant | l.qweight I8 64x32, l.wscales BF16 2x64, l.smooth_factor BF16 64",
        "ternary | 8-bit integer codes | l.weight U8 16x64, l.weight_scale BF16 1",
        "names of a converter | 8-bit integer codes | MatMul_7_weight_quantized I8 64x32, MatMul_7_weight_scale F32 scalar, MatMul_7_weight_zero_point I8 scalar",
        "names with dots below | 8-bit integer codes | l.weight I8 64x32, l.weight.scale F32 64",
        "names that disagree | 8-bit integer codes | l.values I8 64x32, l.step_scale F32 64x4",
        "scales of any name | 8-bit integer codes | l.weight I8 64x32, l.meta F16 64x4, l.bias F32 64",
        "a vector of any name | 8-bit integer codes | l.weight I8 64x32, l.gain F16 64, l.bias F32 64",
        "one vector of codes | 8-bit integer codes | l.weight_q U8 1024, l.weight_scales F16 32",
        "another word for scale | 8-bit integer codes | l.kernel_int8 I8 64x32, l.kernel_scaling F32 32",
        "packed along rows | packed integer codes | l.w_packed I32 8x32, l.w_scales F16 2x32, l.bias F32 32",
        "int8 convolution | 8-bit integer codes | c.weight I8 64x3x3x3, c.weight_scale F32 64x1x1x1"
      })
  void codesAreFound(String kind, String method, String tensors) {
    List<CodeTensors.Found> found = CodeTensors.find(Tensors.of(tensors));
    assertThat(found).as(kind).hasSize(1);
    assertThat(found.get(0).method()).isEqualTo(method);
    assertThat(found.get(0).codes().name()).isEqualTo(tensors.strip().split(" ", 2)[0]);
    assertThat(found.get(0).beside()).isNotEmpty();
  }

  /** The codes without what stands beside them are no proof. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "l.weight F8_E4M3 64x32, l.bias BF16 64",
        "l.weight F8_E5M2 64x32, l.other F8_E5M2 64",
        "l.weight U8 64x32",
        "gate.weight F8_E4M3 64x32, gate.global_scale F32 1",
        "rng U8 5056, rng_scale F32 2, flags U8 64, scale F32 2",
        "l.weight I8 64x32, l.bias F32 64",
        "emb.position_ids I64 1x77, emb.weight F32 77x16, logit_scale F32 scalar",
        "token_type_ids I64 1x512, scale F32 scalar",
        "bn.weight F32 64, bn.running_mean F32 64, bn.num_batches_tracked I64 scalar",
        "attn.relative_position_index I64 64x64, attn.relative_position_bias_table F32 225x3",
        "attn.relative_position_index I32 16x16, attn.logit_scale F32 16x1x1",
        "attn.bias U8 1x1x64x64, attn.masked_bias F32 scalar, attn.scale F32 scalar",
        "attn.mask BOOL 64x64, attn.scale F32 64",
        "attn.causal_mask U8 64x64, attn.scale F32 64x1",
        "block.layer_scale F32 64, block.fc.weight F32 64x64, block.ids I32 8x64",
        "block.gamma F32 64, block.scale_shift_table BF16 6x64, block.weight F8_E4M3 64x64",
        "images U8 16x3x32x32, scale F32 scalar, labels I64 16",
        "images U8 16x28x28, images_scale F32 scalar, scale F32 16",
        "x U8 100x784, y U8 100, scale F32 scalar",
        "data U8 100x784, scale F32 100",
        "eb._quantized_cdf I32 64x3133, eb._offset I32 64, eb._cdf_length I32 64, eb.scale_table F32 64, eb.scale_bound F32 1",
        "eb.quantiles F32 64x1x3, eb._quantized_cdf I32 64x12",
        "fc.weight F32 64x32, fc.weight_fake_quant.scale F32 64, fc.weight_fake_quant.zero_point I32 64, fc.weight_fake_quant.fake_quant_enabled U8 1",
        "attn.k_scale F32 1, attn.v_scale F32 1, attn.table I8 64x64",
        "fc.weight F16 64x32, fc.weight_scale F32 64, fc.input_scale F32 1",
        "ln.scale F32 64, ln.bias F32 64, wte.embedding F32 100x64",
        "gate.tid2eid I32 100x6, gate.weight BF16 8x64, gate.bias F32 8",
        "queue.ptr I64 1, queue.labels I32 10x64, queue.scale F32 10x1",
        "q.weight F8_E4M3 64x64, q.norm.scale BF16 64x1, q.norm2.scale BF16 64",
        "scaler.scale F32 scalar, scaler.weight I32 4"
      })
  void ordinaryModelsHaveNone(String tensors) {
    assertThat(CodeTensors.find(Tensors.of(tensors))).isEmpty();
  }
}
