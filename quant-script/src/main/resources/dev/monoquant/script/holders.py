# What kernels of this processor lose, tried once for all weights that have the same object.
class Machine:
  products : Optional[bool]
  convolutions : Optional[bool]
  def __getstate__(self: __torch__.monoquant.Machine) -> int:
    return 0
  def __setstate__(self: __torch__.monoquant.Machine,
    state: int) -> NoneType:
    self.products = None
    self.convolutions = None
    return None
  def products_saturate(self: __torch__.monoquant.Machine) -> bool:
    known = self.products
    if known is not None:
      return known
    found = __torch__.monoquant.products_saturate()
    self.products = found
    return found
  def convolutions_saturate(self: __torch__.monoquant.Machine) -> bool:
    known = self.convolutions
    if known is not None:
      return known
    found = __torch__.monoquant.convolutions_saturate()
    self.convolutions = found
    return found
# How code reaches a weight. A call through an interface is not inlined, so that the bodies below are
# compiled once for a program, and not again at each place that uses a weight: first calls of models
# with many layers would take hundreds of times as long. Holders are no modules: a load tries all
# methods of every module against patterns of old programs, which takes longer than the rest of it.
class Held(Interface):
  def tensor(self: __torch__.monoquant.Held) -> Tensor:
    pass
  def shape_only(self: __torch__.monoquant.Held) -> Tensor:
    pass
  def linear(self: __torch__.monoquant.Held,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    pass
  def embed(self: __torch__.monoquant.Held,
    indices: Tensor) -> Tensor:
    pass
  def conv(self: __torch__.monoquant.Held,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    pass
class Weight:
  machine : __torch__.monoquant.Machine
  parts : List[Tensor]
  codec : List[int]
  dims : List[int]
  plan : List[int]
  window : List[int]
  bias : Optional[Tensor]
  rows : int
  cols : int
  mode : int
  dtype : int
  transposed : bool
  bound : bool
  kept : bool
  reduced : bool
  levels : int
  least : float
  greatest : float
  step : float
  middle : int
  window_step : float
  window_middle : int
  whole : Tensor
  pack : Optional[Pack]
  scale : Tensor
  zeros : Tensor
  offsets : Optional[Tensor]
  sums : Tensor
  table : Optional[Table]
  kernel : Tensor
  kernel_shape : List[int]
  kernel_scale : Tensor
  kernel_zero : Tensor
  pointwise : bool
  points : Optional[Pack]
  units : Optional[Tensor]
  held : List[Tensor]
  def __getstate__(self: __torch__.monoquant.Weight) -> Tuple[__torch__.monoquant.Machine, List[Tensor], List[int], List[int], List[int], List[int], Optional[Tensor]]:
    return (self.machine, self.stored(), self.codec, self.dims, self.plan, self.window, self.bias)
  def __setstate__(self: __torch__.monoquant.Weight,
    state: Tuple[__torch__.monoquant.Machine, List[Tensor], List[int], List[int], List[int], List[int], Optional[Tensor]]) -> NoneType:
    machine, parts, codec, dims, plan, window, bias = state
    self.machine = machine
    self.parts = parts
    self.codec = codec
    self.dims = dims
    self.plan = plan
    self.window = window
    self.bias = bias
    self.mode = plan[0]
    self.dtype = dims[1]
    self.transposed = plan[2] == 1
    self.bound = plan[5] == 1
    numbers = 1
    for i in range(2, len(dims)):
      numbers = numbers * dims[i]
    rows = dims[2 + dims[0]]
    cols = numbers // rows
    self.rows = rows
    self.cols = cols
    self.whole = torch.empty([0])
    self.pack = None
    self.scale = torch.empty([0])
    self.zeros = torch.empty([0])
    self.offsets = None
    self.sums = torch.empty([0])
    self.table = None
    self.kernel = torch.empty([0])
    self.kernel_shape = annotate(List[int], [])
    self.kernel_scale = torch.empty([0])
    self.kernel_zero = torch.empty([0])
    self.pointwise = False
    self.points = None
    self.units = None
    self.held = annotate(List[Tensor], [])
    self.reduced = False
    self.levels = 255
    self.least = 0.
    self.greatest = 0.
    if self.mode == 4:
      self.least = float(plan[6]) * torch.pow(2., plan[7])
      self.greatest = float(plan[8]) * torch.pow(2., plan[9])
    step, middle = __torch__.monoquant.input_range(self.least, self.greatest, 255)
    self.step = step
    self.middle = middle
    self.window_step = step
    self.window_middle = middle
    used = plan[1] == 1 or plan[3] == 1 or plan[4] == 1 or len(window) > 0
    self.kept = plan[4] == 1 or (self.mode == 0 and used)
    if self.kept:
      self.whole = __torch__.monoquant.in_order(__torch__.monoquant.decoded_rows(parts, codec, rows, cols), dims)
    if self.mode > 0:
      if plan[1] == 1:
        self.prepare_product()
      if len(window) > 0:
        self.prepare_convolution()
        step, middle = __torch__.monoquant.input_range(self.least, self.greatest, self.levels)
        self.window_step = step
        self.window_middle = middle
      if plan[3] == 1 and not self.kept and __torch__.monoquant.is_exact(codec, parts) and codec[1] == 8 and dims[0] == 0:
        self.prepare_table()
      if codec[1] == 8 and codec[2] == 1 and len(window) == 0 and not self.kept:
        self.release()
    return None
  def prepare_product(self: __torch__.monoquant.Weight) -> NoneType:
    factors = __torch__.monoquant.column_factors(self.parts, self.codec)
    if factors is not None:
      self.units = torch.reciprocal(torch.reshape(factors, [-1]))
    bias = self.bias
    if bias is not None:
      bias = torch.contiguous(torch.to(bias, 6))
    machine = self.machine
    saturates = machine.products_saturate()
    codes, scale, zero = self.factor(saturates, 127.)
    pack = __torch__.monoquant.packed_product(codes, scale, zero, bias)
    if saturates:
      greatest = torch.full([1, codes.size(1)], 255.)
      got = __torch__.monoquant.multiplied(greatest, 1., 0, pack, scale, torch.to(torch.zeros_like(zero), 3), __torch__.monoquant.offsets(scale, zero))
      if not __torch__.monoquant.is_lossless(got, codes, scale, zero, bias, 255):
        codes, scale, zero = self.factor(True, 63.)
        pack = __torch__.monoquant.packed_product(codes, scale, zero, bias)
    self.pack = pack
    self.scale = scale
    self.zeros = torch.zeros_like(scale, dtype=3)
    self.offsets = __torch__.monoquant.offsets(scale, zero)
    if self.mode == 3:
      total = torch.sub(torch.sum(codes, [1], dtype=4), torch.mul(zero, codes.size(1)))
      self.sums = torch.mul(torch.to(total, 6), scale)
    return None
  def factor(self: __torch__.monoquant.Weight,
    saturates: bool,
    levels: float) -> Tuple[Tensor, Tensor, Tensor]:
    natural = self.natural()
    if natural and levels > 64. and __torch__.monoquant.is_exact(self.codec, self.parts):
      codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
      if not saturates:
        return (codes, scale, zero)
      other, wider, middle = __torch__.monoquant.spaced(codes, scale, zero, codes.size(1), 128)
      self.reduced = not torch.equal(codes, other)
      return (other, wider, middle)
    self.reduced = True
    weight = __torch__.monoquant.coded_rows(self.parts, self.codec, self.rows, self.cols)
    if not natural:
      weight = torch.contiguous(torch.transpose(weight, 0, 1))
    return __torch__.monoquant.requantized(weight, levels, weight.size(1) if saturates else 0, 128)
  def prepare_convolution(self: __torch__.monoquant.Weight) -> NoneType:
    shape = self.dims[2:]
    window = self.window
    if len(shape) == 3:
      shape = [shape[0], shape[1], 1, shape[2]]
    self.kernel_shape = shape
    self.kernel_zero = torch.zeros([shape[0]], dtype=3)
    self.pointwise = shape[2] * shape[3] * window[6] == 1 and window[2] + window[3] == 0
    machine = self.machine
    saturates = machine.products_saturate() if self.pointwise else machine.convolutions_saturate()
    codes = self.take_kernel(shape[1] if saturates else 0, 127.)
    if not saturates:
      return None
    flat = torch.reshape(codes, [shape[0], -1])
    zero = torch.zeros([shape[0]], dtype=4)
    self.levels = __torch__.monoquant.input_levels(flat, shape[1])
    if not __torch__.monoquant.is_lossless(self.full_output(), flat, self.kernel_scale, zero, None, self.levels):
      codes = self.take_kernel(shape[1], 63.)
      self.levels = 255
    return None
  def take_kernel(self: __torch__.monoquant.Weight,
    channels: int,
    levels: float) -> Tensor:
    dims = self.dims
    natural = dims[0] == 0 and self.codec[3] == 0 and self.codec[2] == 1
    if natural and levels > 64. and __torch__.monoquant.is_exact(self.codec, self.parts):
      codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
      if channels > 0:
        codes, scale, zero = __torch__.monoquant.spaced(codes, scale, zero, channels, 176)
    else:
      whole = __torch__.monoquant.in_order(__torch__.monoquant.decoded_rows(self.parts, self.codec, self.rows, self.cols), dims)
      codes, scale, zero = __torch__.monoquant.requantized(torch.to(whole, 6), levels, channels, 176)
    self.kernel_scale = scale
    if self.pointwise:
      codes = torch.reshape(codes, self.kernel_shape[0:2])
      self.points = __torch__.monoquant.packed_product(codes, scale, torch.zeros_like(scale, dtype=4), None)
      return codes
    window = self.window
    codes = torch.contiguous(torch.reshape(codes, self.kernel_shape))
    self.kernel = ops.onednn.qconv_prepack(codes, scale, 1., 0, window[0:2], window[2:4], window[4:6], window[6], None)
    return codes
  def full_output(self: __torch__.monoquant.Weight) -> Tensor:
    # The output at which the kernel lies within an input of nothing but the greatest code.
    window = self.window
    shape = self.kernel_shape
    if self.pointwise:
      greatest = torch.full([1, shape[1]], float(self.levels))
      points = unchecked_cast(Pack, self.points)
      return __torch__.monoquant.multiplied(greatest, 1., 0, points, self.kernel_scale, self.kernel_zero, None)
    high = window[0] + window[4] * (shape[2] - 1) + 1
    wide = window[1] + window[5] * (shape[3] - 1) + 1
    input = torch.full([1, shape[1] * window[6], high, wide], self.levels, dtype=0)
    got = ops.onednn.qconv2d_pointwise(input, 1., 0, self.kernel, self.kernel_scale, self.kernel_zero, None, window[0:2], window[2:4], window[4:6], window[6], 1., 0, 6, "none", annotate(List[Optional[number]], []), "")
    row = (window[2] + window[0] - 1) // window[0]
    column = (window[3] + window[1] - 1) // window[1]
    return torch.select(torch.select(got, 3, column), 2, row)
  def prepare_table(self: __torch__.monoquant.Weight) -> NoneType:
    codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
    codes = torch.to(torch.add(torch.to(codes, 2), 128), 0)
    zero = torch.add(torch.to(zero, 6), 128.)
    self.table = __torch__.monoquant.packed_table(torch.contiguous(codes), scale, zero)
    return None
  def release(self: __torch__.monoquant.Weight) -> NoneType:
    # What a kernel has taken over whole can be had back from it.
    product = self.pack is not None and not self.reduced and self.natural() and __torch__.monoquant.is_exact(self.codec, self.parts)
    if product or self.table is not None:
      codes, scale, zero = __torch__.monoquant.signed_codes(self.parts, self.codec, self.rows, self.cols)
      scale = torch.reshape(scale, [-1, 1])
      held = annotate(List[Tensor], [scale, torch.reshape(torch.to(zero, 1), [-1, 1])])
      factors = __torch__.monoquant.column_factors(self.parts, self.codec)
      if factors is not None:
        held.append(factors)
      self.held = held
      self.codec = [0, 8, 1, 8, 1, 1, self.cols, self.cols, 1, 1]
      self.parts = annotate(List[Tensor], [])
    return None
  def natural(self: __torch__.monoquant.Weight) -> bool:
    return self.dims[0] == (1 if self.transposed else 0)
  def stored(self: __torch__.monoquant.Weight) -> List[Tensor]:
    if len(self.parts) > 0:
      return self.parts
    table = self.table
    if table is not None:
      codes = torch.to(torch.sub(torch.to(__torch__.monoquant.table_codes(table, self.cols), 2), 128), 1)
    else:
      codes = __torch__.monoquant.product_codes(unchecked_cast(Pack, self.pack))
    return torch.add([codes], self.held)
  def tensor(self: __torch__.monoquant.Weight) -> Tensor:
    if self.kept:
      return self.whole
    return __torch__.monoquant.in_order(__torch__.monoquant.decoded_rows(self.stored(), self.codec, self.rows, self.cols), self.dims)
  def shape_only(self: __torch__.monoquant.Weight) -> Tensor:
    return torch.expand(torch.empty([1], dtype=self.dtype), self.dims[2:])
  def linear(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    if self.mode == 0:
      whole = torch.flatten(self.whole, 1)
      if self.transposed:
        whole = torch.transpose(whole, 0, 1)
      plain = bias
      if bias is not None:
        plain = torch.to(bias, self.dtype)
      return torch.linear(input, whole, plain)
    if self.dtype == 6:
      if torch.dim(input) == 1:
        return torch.squeeze(self.product(torch.unsqueeze(input, 0), bias), 0)
      return self.product(input, bias)
    wide = torch.to(input, 6)
    if torch.dim(input) == 1:
      wide = torch.unsqueeze(wide, 0)
    wide_bias = bias
    if bias is not None:
      wide_bias = torch.to(bias, 6)
    product = torch.to(self.product(wide, wide_bias), self.dtype)
    if torch.dim(input) == 1:
      return torch.squeeze(product, 0)
    return product
  def product(self: __torch__.monoquant.Weight,
    given: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    units = self.units
    input = given if units is None else torch.mul(given, units)
    pack = unchecked_cast(Pack, self.pack)
    scale = self.scale
    zeros = self.zeros
    offsets = self.offsets
    if torch.numel(input) == 0:
      product = torch.zeros(torch.add(torch.size(input)[:-1], [scale.size(0)]))
      return product if bias is None else torch.add(product, bias)
    if self.mode == 4:
      return __torch__.monoquant.clipped_product(input, self.step, self.middle, pack, scale, zeros, offsets, None if self.bound else bias)
    if self.mode == 1:
      low, high = torch.aminmax(input)
      least = float(low)
      greatest = float(high)
      if greatest - least < inf:
        step, zero = __torch__.monoquant.input_range(least, greatest, 255)
        product = __torch__.monoquant.multiplied(input, step, zero, pack, scale, zeros, offsets)
      else:
        finite = torch.nan_to_num(input, 0., 0., 0.)
        low, high = torch.aminmax(finite)
        step, zero = __torch__.monoquant.input_range(float(low), float(high), 255)
        product = __torch__.monoquant.multiplied(finite, step, zero, pack, scale, zeros, offsets)
        product = torch.add_(product, __torch__.monoquant.lost(input, [-1]))
      if self.bound or bias is None:
        return product
      return torch.add_(product, bias)
    high = torch.amax(input, [-1], True)
    low = torch.amin(input, [-1], True)
    if self.mode == 2:
      range = torch.clamp_min(torch.maximum(high, torch.neg(low)), 1.0e-12)
      if float(torch.amin(low)) >= 0.:
        range = torch.mul(range, 0.00392156862745098)
        product = __torch__.monoquant.multiplied_by_row(input, range, 0, pack, scale, zeros, offsets)
      else:
        range = torch.mul(range, 0.007874015748031496)
        product = __torch__.monoquant.multiplied_by_row(input, range, 128, pack, scale, zeros, offsets)
      if bias is None:
        return torch.mul_(product, range)
      return torch.addcmul(bias, product, range)
    middle = torch.mul(torch.add(low, high), 0.5)
    range = torch.clamp_min(torch.mul(torch.sub(high, low), 0.003937007874015748), 1.0e-14)
    product = __torch__.monoquant.multiplied_by_row(torch.sub(input, middle), range, 128, pack, scale, zeros, offsets)
    product = torch.addcmul_(torch.mul_(product, range), middle, self.sums)
    if bias is None:
      return product
    return torch.add_(product, bias)
  def embed(self: __torch__.monoquant.Weight,
    indices: Tensor) -> Tensor:
    if self.kept:
      return torch.embedding(self.whole, indices)
    flat = torch.contiguous(torch.reshape(indices, [-1]))
    # Not appended to: the compiler makes a constant of the size of a constant.
    shape = torch.add(torch.size(indices), [self.dims[3]])
    table = self.table
    if table is not None:
      rows = __torch__.monoquant.looked_up(table, flat)
      return torch.to(torch.reshape(rows, shape), self.dtype)
    chosen = annotate(List[Tensor], [])
    for part in self.parts:
      if part.size(0) == self.rows:
        chosen.append(torch.index_select(part, 0, flat))
      else:
        chosen.append(part)
    rows = __torch__.monoquant.decoded_rows(chosen, self.codec, torch.numel(flat), self.cols)
    return torch.to(torch.reshape(rows, shape), self.dtype)
  def convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor],
    input_scale: float,
    input_zero: int) -> Tensor:
    window = self.window
    if not self.pointwise:
      return __torch__.monoquant.convolved(input, self.kernel, self.kernel_scale, self.kernel_zero, bias, window, input_scale, input_zero)
    # Of a kernel of one place, products are the faster by far where the convolution is not packed
    # for the size of its input, and as fast where it is.
    some = input
    if window[0] + window[1] > 2:
      some = torch.slice(torch.slice(input, 2, 0, 9223372036854775807, window[0]), 3, 0, 9223372036854775807, window[1])
    points = unchecked_cast(Pack, self.points)
    result = __torch__.monoquant.multiplied_points(some, input_scale, input_zero, points, self.kernel_scale, self.kernel_zero, bias)
    return torch.permute(result, [0, 3, 1, 2])
  def clipped_convolution(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    window = self.window
    if not self.pointwise:
      return __torch__.monoquant.clipped_convolved(input, self.kernel, self.kernel_scale, self.kernel_zero, bias, window, self.window_step, self.window_middle, self.levels)
    some = input
    if window[0] + window[1] > 2:
      some = torch.slice(torch.slice(input, 2, 0, 9223372036854775807, window[0]), 3, 0, 9223372036854775807, window[1])
    points = unchecked_cast(Pack, self.points)
    result = __torch__.monoquant.clipped_points(some, self.window_step, self.window_middle, points, self.kernel_scale, self.kernel_zero, bias, self.levels)
    return torch.permute(result, [0, 3, 1, 2])
  def conv(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    window = self.window
    single = len(self.dims) == 5
    if self.mode == 0:
      plain = bias
      if bias is not None:
        plain = torch.to(bias, self.dtype)
      if single:
        return torch.conv1d(input, self.whole, plain, window[1:2], window[3:4], window[5:6], window[6])
      return torch.conv2d(input, self.whole, plain, window[0:2], window[2:4], window[4:6], window[6])
    wide = torch.to(input, 6)
    axes = 3 if single else 4
    batched = torch.dim(input) == len(self.dims) - 2
    if not batched:
      wide = torch.unsqueeze(wide, 0)
    if single:
      wide = torch.unsqueeze(wide, 2)
    wide_bias = bias
    if bias is not None:
      wide_bias = torch.to(bias, 6)
    if torch.numel(wide) == 0:
      # Only shapes matter: the kernel of the original is asked.
      result = torch.conv2d(wide, torch.zeros(self.kernel_shape), wide_bias, window[0:2], window[2:4], window[4:6], window[6])
    elif self.mode == 4:
      result = self.clipped_convolution(wide, wide_bias)
    else:
      finite = wide
      # Not aminmax, which copies what has its channels last.
      low = torch.amin(wide)
      high = torch.amax(wide)
      whole = float(high) - float(low) < inf
      if not whole:
        finite = torch.nan_to_num(wide, 0., 0., 0.)
        low = torch.amin(finite)
        high = torch.amax(finite)
      if self.mode == 1 or wide.size(0) == 1:
        scale, zero = __torch__.monoquant.input_range(float(low), float(high), self.levels)
        result = self.convolution(finite, wide_bias, scale, zero)
      else:
        highs = torch.amax(finite, [1, 2, 3], True)
        lows = torch.amin(finite, [1, 2, 3], True)
        range = torch.clamp_min(torch.maximum(highs, torch.neg(lows)), 1.0e-12)
        even = torch.div(finite, range)
        scale, zero = __torch__.monoquant.input_range(float(torch.amin(torch.div(lows, range))), float(torch.amax(torch.div(highs, range))), self.levels)
        result = self.convolution(even, None, scale, zero)
        if wide_bias is not None:
          result = torch.addcmul(torch.reshape(wide_bias, [1, -1, 1, 1]), result, range)
        else:
          result = torch.mul(result, range)
      if not whole:
        result = torch.add(result, __torch__.monoquant.lost(wide, [1, 2, 3]))
    if single:
      result = torch.squeeze(result, 2)
    if not batched:
      result = torch.squeeze(result, 0)
    return torch.to(result, self.dtype)
