# Kernels that take quantized tensors, which PyTorch is going to remove.
def offsets(scale: Tensor,
    zero: Tensor) -> Optional[Tensor]:
  return None
def packed_product(codes: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor]) -> Pack:
  weight = torch._make_per_channel_quantized_tensor(torch.contiguous(codes), torch.to(scale, 7), zero, 0)
  return ops.quantized.linear_prepack(weight, bias)
def splits_columns(columns: int) -> bool:
  return False
def product_neighbours(flat: Tensor) -> Tensor:
  return __torch__.monoquant.sums_of_two(flat)
def product_codes(pack: Pack) -> Tensor:
  held, bias = ops.quantized.linear_unpack(pack)
  return torch.int_repr(held)
def multiplied(input: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  return ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(input, step, zero, pack)
def clipped_product(input: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor],
    bias: Optional[Tensor]) -> Tensor:
  product = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(input, step, zero, pack)
  return product if bias is None else torch.add_(product, bias)
# Quantizing clips at the codes 0 and 255; fewer levels need numbers that are clipped before.
def clipped(input: Tensor,
    step: float,
    zero: int,
    levels: int) -> Tensor:
  return input if levels == 255 else torch.clamp_max(input, (levels - zero) * step)
def clipped_points(input: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    bias: Optional[Tensor],
    levels: int) -> Tensor:
  return __torch__.monoquant.multiplied_points(__torch__.monoquant.clipped(input, step, zero, levels), step, zero, pack, scale, zeros, bias)
def clipped_convolved(input: Tensor,
    pack: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor],
    window: List[int],
    step: float,
    input_zero: int,
    levels: int) -> Tensor:
  return __torch__.monoquant.convolved(__torch__.monoquant.clipped(input, step, input_zero, levels), pack, scale, zero, bias, window, step, input_zero)
def multiplied_by_row(input: Tensor,
    range: Tensor,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  return ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(torch.div(input, range), 1., zero, pack)
def multiplied_points(input: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    bias: Optional[Tensor]) -> Tensor:
  rows = torch.contiguous(torch.permute(input, [0, 2, 3, 1]))
  product = ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(rows, step, zero, pack)
  return product if bias is None else torch.add_(product, bias)
def convolved(input: Tensor,
    pack: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor],
    window: List[int],
    step: float,
    input_zero: int) -> Tensor:
  codes = torch.int_repr(torch.quantize_per_tensor(input, step, input_zero, 13))
  return ops.onednn.qconv2d_pointwise(codes, step, input_zero, pack, scale, zero, bias, window[0:2], window[2:4], window[4:6], window[6], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
def packed_table(codes: Tensor,
    scale: Tensor,
    zero: Tensor) -> Table:
  table = torch._make_per_channel_quantized_tensor(codes, scale, zero, 0)
  return ops.quantized.embedding_bag_prepack(table)
def table_codes(table: Table,
    cols: int) -> Tensor:
  return torch.int_repr(ops.quantized.embedding_bag_unpack(table))
def looked_up(table: Table,
    indices: Tensor) -> Tensor:
  return ops.quantized.embedding_byte(table, indices, False)
