# Weights that are stored quantized. Written for libtorch 2.7 to 2.13; no shapes are fixed here.
# What calls kernels follows at the end: packs and tables are of types of theirs.
#
# codec: 0 kind (0 codes, scale and zero point; 1 values; 2 a scheme of its own), 1 bits of a code,
#   2 whether codes are signed, 3 bits of a zero point or 0, 4 whether zero points are signed,
#   5 rows and 6 columns that share a scale, from 7 on the cells in a row of each part
# dims: 0 the axis of the outputs, 1 the dtype, from 2 on the shape of the weight
# plan: 0 mode (0 weight-only, 1 dynamic, 2 by row, 3 by row between least and greatest, 4 static),
#   1 a factor of products, 2 of x @ weight rather than x @ weight.T, 3 rows are looked up,
#   4 the decoded tensor is kept, 5 the bias is bound; of static
#   also least and greatest number of inputs, each as 6 or 8 a whole number times two to the power
#   of 7 or 9
# window: of a convolution stride, padding and dilation of two axes each, and groups; else empty
def unpacked(packed: Tensor,
    bits: int,
    signed: bool,
    cells: int) -> Tensor:
  if bits == 8:
    return packed
  rows = packed.size(0)
  blocks = (packed.size(1) + bits - 1) // bits
  padded = torch.constant_pad_nd(packed, [0, blocks * bits - packed.size(1)], 0)
  bytes = torch.reshape(padded, [rows, blocks, bits])
  lanes = annotate(List[Tensor], [])
  for lane in range(8):
    at = lane * bits // 8
    shift = lane * bits % 8
    lane_codes = torch.bitwise_right_shift(torch.select(bytes, 2, at), shift)
    if shift + bits > 8:
      high = torch.bitwise_left_shift(torch.select(bytes, 2, at + 1), 8 - shift)
      lane_codes = torch.bitwise_or(lane_codes, high)
    lanes.append(torch.bitwise_and(lane_codes, 255 >> (8 - bits)))
  codes = torch.slice(torch.reshape(torch.stack(lanes, 2), [rows, blocks * 8]), 1, 0, cells)
  if signed:
    sign = 1 << (bits - 1)
    return torch.sub(torch.bitwise_xor(torch.to(codes, 1), sign), sign)
  return codes
def spread(cells: Tensor,
    codec: List[int],
    rows: int,
    cols: int) -> Tensor:
  by_row = cells
  if codec[5] > 1 and cells.size(0) > 1:
    by_row = torch.slice(torch.repeat_interleave(cells, codec[5], 0), 0, 0, rows)
  if cells.size(1) == 1:
    return by_row
  return torch.slice(torch.repeat_interleave(by_row, codec[6], 1), 1, 0, cols)
def zero_points(parts: List[Tensor],
    codec: List[int]) -> Tensor:
  if codec[3] == 0:
    return torch.zeros_like(parts[1], dtype=6)
  return torch.to(__torch__.monoquant.unpacked(parts[2], codec[3], codec[4] == 1, parts[1].size(1)), 6)
def coded_rows(parts: List[Tensor],
    codec: List[int],
    rows: int,
    cols: int) -> Tensor:
  if codec[0] == 1:
    return torch.to(parts[0], 6)
  if codec[0] == 2:
    return torch.reshape(__torch__.monoquant.scheme(parts, codec[7:]), [rows, cols])
  codes = torch.to(__torch__.monoquant.unpacked(parts[0], codec[1], codec[2] == 1, cols), 6)
  if codec[3] > 0:
    codes = torch.sub(codes, __torch__.monoquant.spread(__torch__.monoquant.zero_points(parts, codec), codec, rows, cols))
  return torch.mul(codes, __torch__.monoquant.spread(torch.to(parts[1], 6), codec, rows, cols))
# Integer codes may have a last part more, factors of columns: codes are of columns that were
# multiplied by them.
def column_factors(parts: List[Tensor],
    codec: List[int]) -> Optional[Tensor]:
  own = 3 if codec[3] > 0 else 2
  if codec[0] == 0 and len(parts) > own:
    return parts[own]
  return None
def decoded_rows(parts: List[Tensor],
    codec: List[int],
    rows: int,
    cols: int) -> Tensor:
  coded = __torch__.monoquant.coded_rows(parts, codec, rows, cols)
  factors = __torch__.monoquant.column_factors(parts, codec)
  return coded if factors is None else torch.div(coded, factors)
def is_exact(codec: List[int],
    parts: List[Tensor]) -> bool:
  return codec[0] == 0 and parts[1].size(1) == 1
def signed_codes(parts: List[Tensor],
    codec: List[int],
    rows: int,
    cols: int) -> Tuple[Tensor, Tensor, Tensor]:
  codes = __torch__.monoquant.unpacked(parts[0], codec[1], codec[2] == 1, cols)
  scale = torch.reshape(torch.to(parts[1], 6), [-1, 1])
  zero = torch.reshape(__torch__.monoquant.zero_points(parts, codec), [-1, 1])
  scale = torch.reshape(torch.expand(__torch__.monoquant.spread(scale, codec, rows, cols), [rows, 1]), [rows])
  zero = torch.reshape(torch.expand(__torch__.monoquant.spread(zero, codec, rows, cols), [rows, 1]), [rows])
  if codec[2] == 0:
    if codec[1] == 8:
      codes = torch.sub(torch.to(codes, 2), 128)
      zero = torch.sub(zero, 128)
    codes = torch.to(codes, 1)
  return (codes, torch.contiguous(scale), torch.to(torch.contiguous(zero), 4))
# Without VNNI two neighbouring products of 8 bits are added in 16, and saturate above 32767: that
# is what the sum of two codes of weights, times the greatest code of an input, must not exceed.
# Neighbours are columns of a matrix (channels = cols), or input channels at one place of a kernel;
# where the number of these is odd, also those that are neighbours when places follow each other.
# Products allow sums up to 128, which leaves inputs all 255 levels: activations of transformers
# need them. Convolutions allow 176, which leaves inputs at least 185 and more rows as they are.
def sums_of_two(cells: Tensor) -> Tensor:
  even = torch.constant_pad_nd(cells, [0, cells.size(1) % 2], 0)
  pairs = torch.reshape(even, [cells.size(0), -1, 2])
  sums = torch.add(torch.select(pairs, 2, 0), torch.select(pairs, 2, 1))
  return torch.amax(torch.abs(sums), [1])
def neighbours(flat: Tensor,
    channels: int) -> Tensor:
  rows = flat.size(0)
  if channels == flat.size(1):
    return __torch__.monoquant.product_neighbours(flat)
  places = torch.transpose(torch.reshape(flat, [rows, channels, -1]), 1, 2)
  padded = torch.constant_pad_nd(places, [0, channels % 2], 0)
  sums = __torch__.monoquant.sums_of_two(torch.reshape(padded, [rows, -1]))
  if channels % 2 == 1:
    sums = torch.maximum(sums, __torch__.monoquant.sums_of_two(torch.reshape(places, [rows, -1])))
  return sums
def requantized(weight: Tensor,
    levels: float,
    channels: int,
    limit: int) -> Tuple[Tensor, Tensor, Tensor]:
  rows = weight.size(0)
  flat = torch.reshape(weight, [rows, -1])
  scale = torch.clamp_min(torch.div(torch.amax(torch.abs(flat), [1]), levels), 1.0e-30)
  if channels > 0:
    # What is one less before rounding is within the limit after it.
    sums = __torch__.monoquant.neighbours(torch.div(flat, torch.unsqueeze(scale, 1)), channels)
    scale = torch.mul(scale, torch.clamp_min(torch.div(sums, limit - 1), 1.))
  codes = torch.to(torch.round(torch.div(flat, torch.unsqueeze(scale, 1))), 1)
  return (codes, scale, torch.zeros([rows], dtype=4))
# Rows with sums above the limit get a scale that is as much greater as it takes; others stay.
def spaced(codes: Tensor,
    scale: Tensor,
    zero: Tensor,
    channels: int,
    limit: int) -> Tuple[Tensor, Tensor, Tensor]:
  stays = torch.le(__torch__.monoquant.neighbours(torch.to(codes, 2), channels), limit)
  if bool(torch.all(stays)):
    return (codes, scale, zero)
  flat = torch.sub(torch.to(codes, 6), torch.unsqueeze(torch.to(zero, 6), 1))
  weight = torch.mul(flat, torch.unsqueeze(scale, 1))
  other, wider, middle = __torch__.monoquant.requantized(weight, 127., channels, limit)
  return (torch.where(torch.unsqueeze(stays, 1), codes, other), torch.where(stays, scale, wider), torch.where(stays, zero, middle))
def products_saturate() -> bool:
  codes = torch.full([16, 64], 127, dtype=1)
  scale = torch.ones([16])
  zero = torch.zeros([16], dtype=4)
  pack = __torch__.monoquant.packed_product(codes, scale, zero, None)
  greatest = torch.full([1, 64], 255.)
  sums = __torch__.monoquant.multiplied(greatest, 1., 0, pack, scale, torch.to(zero, 3), None)
  return float(torch.min(sums)) < 2072576.
def convolutions_saturate() -> bool:
  codes = torch.full([32, 32, 3, 3], 127, dtype=1)
  scale = torch.ones([32])
  zero = torch.zeros([32], dtype=3)
  pack = ops.onednn.qconv_prepack(codes, scale, 1., 0, [1, 1], [0, 0], [1, 1], 1, None)
  input = torch.full([1, 32, 6, 6], 255, dtype=0)
  got = ops.onednn.qconv2d_pointwise(input, 1., 0, pack, scale, zero, None, [1, 1], [0, 0], [1, 1], 1, 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
  return float(torch.min(got)) < 9000000.
# How many steps inputs may have. Rounding both ends of a range up makes one more.
def input_levels(codes: Tensor,
    channels: int) -> int:
  most = int(torch.amax(__torch__.monoquant.neighbours(torch.to(codes, 2), channels)))
  return 255 if most <= 128 else 32767 // most - 1
# All that inputs can add up to, through the kernel and exactly: whether none of it was lost.
def is_lossless(got: Tensor,
    codes: Tensor,
    scale: Tensor,
    zero: Tensor,
    bias: Optional[Tensor],
    input: int) -> bool:
  total = torch.sub(torch.sum(codes, [1], dtype=4), torch.mul(zero, codes.size(1)))
  expected = torch.mul(torch.mul(torch.to(total, 7), input), torch.to(scale, 7))
  if bias is not None:
    expected = torch.add(expected, torch.to(bias, 7))
  lost = torch.abs(torch.sub(torch.reshape(torch.to(got, 7), [-1]), expected))
  return bool(torch.all(torch.le(lost, torch.add(torch.mul(scale, 0.5), torch.mul(torch.abs(expected), 1.0e-6)))))
# A zero point that is rounded by half a step would move one end of the range beyond the codes.
def input_range(low: float,
    high: float,
    levels: int) -> Tuple[float, int]:
  least = min(low, 0.)
  width = max(high, 0.) - least
  scale = max(width / levels, 1.0e-30)
  zero = int(0.5 - least / scale)
  off = zero + least / scale
  if max(off, -off) > 0.499:
    scale = max(width / (levels - 0.01), 1.0e-30)
    zero = int(0.5001 - least / scale)
  return (scale, zero)
def lost(input: Tensor,
    axes: List[int]) -> Tensor:
  # 0 where all numbers are finite, else NaN.
  return torch.sum(torch.sub(input, input), axes, True)
def in_order(weight: Tensor,
    dims: List[int]) -> Tensor:
  axis = dims[0]
  shape = dims[2:]
  if axis == 0:
    return torch.to(torch.reshape(weight, shape), dims[1])
  first = annotate(List[int], [shape[axis]])
  for i in range(len(shape)):
    if i != axis:
      first.append(shape[i])
  return torch.contiguous(torch.movedim(torch.to(torch.reshape(weight, first), dims[1]), 0, axis))
