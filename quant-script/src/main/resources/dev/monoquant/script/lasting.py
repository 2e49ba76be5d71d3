# Kernels that take tensors of bytes, which stay: packs and tables are tensors.
#
# Kernels of products want zero points of weights to be 0: what these add is added afterwards.
def offsets(scale: Tensor,
    zero: Tensor) -> Optional[Tensor]:
  if bool(torch.any(zero)):
    return torch.neg(torch.mul(torch.to(zero, 6), scale))
  return None
def packed_product(codes: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor]) -> Tensor:
  return ops.onednn.qlinear_prepack(torch.contiguous(codes), None)
# The kernel splits more than 256 columns into blocks of one size, which may be odd: then it is the
# column after an odd one that is its neighbour.
def splits_columns(columns: int) -> bool:
  return columns > 256
def product_neighbours(flat: Tensor) -> Tensor:
  sums = __torch__.monoquant.sums_of_two(flat)
  if __torch__.monoquant.splits_columns(flat.size(1)):
    sums = torch.maximum(sums, __torch__.monoquant.sums_of_two(torch.slice(flat, 1, 1)))
  return sums
def product_codes(pack: Tensor) -> Tensor:
  return torch.contiguous(torch.t(torch.to_dense(pack)))
# Images are given with their channels last, as kernels take them and results have them: view_copy
# makes tensors that are contiguous in the order of their axes.
#
# Numbers become unsigned bytes one by one, and signed bytes, which differ in one bit, by vectors. The
# former takes fewer calls, which is what counts for few.
def bytes_of(scaled: Tensor,
    zero: int) -> Tensor:
  if torch.numel(scaled) < 8192:
    return torch.to(torch.add_(scaled, zero + 0.5), 0)
  if zero != 128:
    scaled = torch.sub_(scaled, 128 - zero)
  signed = torch.to(torch.round_(scaled), 1)
  return torch.bitwise_xor_(torch.view_copy(signed, dtype=0), 128)
# Of numbers that may lie outside of the range.
def clipped_bytes(input: Tensor,
    step: float,
    zero: int,
    levels: int) -> Tensor:
  if torch.numel(input) < 8192:
    scaled = torch.clamp_(torch.add_(torch.mul(input, 1. / step), zero + 0.5), 0., levels + 0.5)
    return torch.to(scaled, 0)
  scaled = torch.mul(input, 1. / step)
  if zero != 128:
    scaled = torch.sub_(scaled, 128 - zero)
  signed = torch.to(torch.clamp_(torch.round_(scaled), -128, levels - 128), 1)
  return torch.bitwise_xor_(torch.view_copy(signed, dtype=0), 128)
def product_of(codes: Tensor,
    step: float,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor],
    bias: Optional[Tensor]) -> Tensor:
  product = ops.onednn.qlinear_pointwise(codes, step, zero, pack, scale, zeros, bias, 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
  if offsets is not None:
    total = torch.sum(codes, [-1], True, dtype=6)
    total = torch.mul(torch.sub(total, zero * codes.size(-1)), step)
    product = torch.addcmul_(product, total, offsets)
  return product
def multiplied(input: Tensor,
    step: float,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  codes = __torch__.monoquant.bytes_of(torch.mul(input, 1. / step), zero)
  return __torch__.monoquant.product_of(codes, step, zero, pack, scale, zeros, offsets, None)
def clipped_product(input: Tensor,
    step: float,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor],
    bias: Optional[Tensor]) -> Tensor:
  codes = __torch__.monoquant.clipped_bytes(input, step, zero, 255)
  return __torch__.monoquant.product_of(codes, step, zero, pack, scale, zeros, offsets, bias)
def clipped_points(input: Tensor,
    step: float,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    bias: Optional[Tensor],
    levels: int) -> Tensor:
  codes = __torch__.monoquant.clipped_bytes(torch.permute(input, [0, 2, 3, 1]), step, zero, levels)
  return __torch__.monoquant.product_of(torch.contiguous(codes), step, zero, pack, scale, zeros, None, bias)
def clipped_convolved(input: Tensor,
    pack: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor],
    window: List[int],
    step: float,
    input_zero: int,
    levels: int) -> Tensor:
  codes = __torch__.monoquant.clipped_bytes(torch.permute(input, [0, 2, 3, 1]), step, input_zero, levels)
  codes = torch.permute(codes, [0, 3, 1, 2])
  return ops.onednn.qconv2d_pointwise(codes, step, input_zero, pack, scale, zero, bias, window[0:2], window[2:4], window[4:6], window[6], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
def multiplied_by_row(input: Tensor,
    range: Tensor,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  codes = __torch__.monoquant.bytes_of(torch.div(input, range), zero)
  return __torch__.monoquant.product_of(codes, 1., zero, pack, scale, zeros, offsets, None)
def multiplied_points(input: Tensor,
    step: float,
    zero: int,
    pack: Tensor,
    scale: Tensor,
    zeros: Tensor,
    bias: Optional[Tensor]) -> Tensor:
  codes = __torch__.monoquant.bytes_of(torch.mul(torch.permute(input, [0, 2, 3, 1]), 1. / step), zero)
  return __torch__.monoquant.product_of(torch.contiguous(codes), step, zero, pack, scale, zeros, None, bias)
def convolved(input: Tensor,
    pack: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor],
    window: List[int],
    step: float,
    input_zero: int) -> Tensor:
  codes = __torch__.monoquant.bytes_of(torch.mul(torch.permute(input, [0, 2, 3, 1]), 1. / step), input_zero)
  codes = torch.permute(codes, [0, 3, 1, 2])
  return ops.onednn.qconv2d_pointwise(codes, step, input_zero, pack, scale, zero, bias, window[0:2], window[2:4], window[4:6], window[6], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
# Rows of codes, a scale and the number that a code of 0 means.
def packed_table(codes: Tensor,
    scale: Tensor,
    zero: Tensor) -> Tensor:
  ends = torch.stack([scale, torch.neg(torch.mul(zero, scale))], 1)
  return torch.cat([codes, torch.view_copy(ends, dtype=0)], 1)
def table_codes(table: Tensor,
    cols: int) -> Tensor:
  return torch.contiguous(torch.slice(table, 1, 0, cols))
def looked_up(table: Tensor,
    indices: Tensor) -> Tensor:
  starts = torch.arange(torch.numel(indices), dtype=ops.prim.dtype(indices))
  return ops.quantized.embedding_bag_byte_rowwise_offsets(table, indices, starts, False, 0, False, None, None, False)
