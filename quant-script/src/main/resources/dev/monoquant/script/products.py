  #if int8
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
    #if dynamic-row-asymmetric
    if self.mode == 3:
      total = torch.sub(torch.sum(codes, [1], dtype=4), torch.mul(zero, codes.size(1)))
      self.sums = torch.mul(torch.to(total, 6), scale)
    #end
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
  #end
  #if timed
  def untimed_linear(self: __torch__.monoquant.Weight,
  #else
  def linear(self: __torch__.monoquant.Weight,
  #end
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    #if chain
    if self.gives > 0 or self.takes:
      return self.chained_linear(input, bias)
    #end
    product = input
    #if weight-only
    if self.mode == 0:
      product = self.decoded_product(input, bias)
    #end
    #if int8
    if self.mode > 0:
      product = self.quantized_product(input, bias)
    #end
    return product
  #if weight-only
  def decoded_product(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    whole = torch.flatten(self.whole, 1)
    if self.transposed:
      whole = torch.transpose(whole, 0, 1)
    plain = bias
    if bias is not None:
      plain = torch.to(bias, self.dtype)
    return torch.linear(input, whole, plain)
  #end
  #if int8
  def quantized_product(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    wide = input
    wide_bias = bias
    if self.dtype != 6:
      wide = torch.to(input, 6)
      if bias is not None:
        wide_bias = torch.to(bias, 6)
    if torch.dim(input) == 1:
      wide = torch.unsqueeze(wide, 0)
    product = self.product(wide, wide_bias)
    if torch.dim(input) == 1:
      product = torch.squeeze(product, 0)
    if self.dtype != 6:
      product = torch.to(product, self.dtype)
    return product
  def product(self: __torch__.monoquant.Weight,
    given: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    product = given
    units = self.units
    input = given if units is None else torch.mul(given, units)
    if torch.numel(input) == 0:
      product = torch.zeros(torch.add(torch.size(input)[:-1], [self.scale.size(0)]))
      return product if bias is None else torch.add(product, bias)
    #if static
    if self.mode == 4:
      product = __torch__.monoquant.clipped_product(input, self.step, self.middle, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets, None if self.bound else bias)
    #end
    #if dynamic
    if self.mode == 1:
      product = self.dynamic_product(input, bias)
    #end
    #if dynamic-row
    if self.mode == 2:
      product = self.row_product(input, bias)
    #end
    #if dynamic-row-asymmetric
    if self.mode == 3:
      product = self.asymmetric_product(input, bias)
    #end
    return product
  #end
  #if dynamic
  def dynamic_product(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    finite = input
    low, high = torch.aminmax(input)
    least = float(low)
    greatest = float(high)
    whole = greatest - least < inf
    if not whole:
      finite = torch.nan_to_num(input, 0., 0., 0.)
      low, high = torch.aminmax(finite)
      least = float(low)
      greatest = float(high)
    step, zero = __torch__.monoquant.input_range(least, greatest, 255)
    product = __torch__.monoquant.multiplied(finite, step, zero, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets)
    if not whole:
      product = torch.add_(product, __torch__.monoquant.lost(input, [-1]))
    if self.bound or bias is None:
      return product
    return torch.add_(product, bias)
  #end
  #if dynamic-row
  def row_product(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    high = torch.amax(input, [-1], True)
    low = torch.amin(input, [-1], True)
    range = torch.clamp_min(torch.maximum(high, torch.neg(low)), 1.0e-12)
    step = 0.007874015748031496
    zero = 128
    if float(torch.amin(low)) >= 0.:
      step = 0.00392156862745098
      zero = 0
    range = torch.mul(range, step)
    product = __torch__.monoquant.multiplied_by_row(input, range, zero, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets)
    if bias is None:
      return torch.mul_(product, range)
    return torch.addcmul(bias, product, range)
  #end
  #if dynamic-row-asymmetric
  def asymmetric_product(self: __torch__.monoquant.Weight,
    input: Tensor,
    bias: Optional[Tensor]) -> Tensor:
    high = torch.amax(input, [-1], True)
    low = torch.amin(input, [-1], True)
    middle = torch.mul(torch.add(low, high), 0.5)
    range = torch.clamp_min(torch.mul(torch.sub(high, low), 0.003937007874015748), 1.0e-14)
    product = __torch__.monoquant.multiplied_by_row(torch.sub(input, middle), range, 128, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets)
    product = torch.addcmul_(torch.mul_(product, range), middle, self.sums)
    if bias is None:
      return product
    return torch.add_(product, bias)
  #end
