  # The input as kernels take it, for all weights that it is multiplied by: the mode (-1 where each
  # weight must see the input itself, as one that divides it must), codes, range, middle, step and
  # zero point. The numbers are those of product, to the bit.
  def prepared(self: __torch__.monoquant.Weight,
    input: Tensor) -> Tuple[int, Tensor, Tensor, Tensor, float, int]:
    prepared = (-1, input, input, input, 1., 0)
    #if int8
    shared = self.mode
    #if timed
    shared = -1
    #end
    if self.units is not None or self.dtype != 6 or torch.dim(input) == 1 or torch.numel(input) == 0:
      shared = -1
    #if dynamic
    if shared == 1:
      low, high = torch.aminmax(input)
      least = float(low)
      greatest = float(high)
      if greatest - least < inf:
        step, zero = __torch__.monoquant.input_range(least, greatest, 255)
        prepared = (1, __torch__.monoquant.shared_codes(input, step, zero), input, input, step, zero)
    #end
    #if dynamic-row
    if shared == 2:
      high = torch.amax(input, [-1], True)
      low = torch.amin(input, [-1], True)
      range = torch.clamp_min(torch.maximum(high, torch.neg(low)), 1.0e-12)
      step = 0.007874015748031496
      zero = 128
      if float(torch.amin(low)) >= 0.:
        step = 0.00392156862745098
        zero = 0
      range = torch.mul(range, step)
      prepared = (2, __torch__.monoquant.shared_rows(input, range, zero), range, range, 1., zero)
    #end
    #if dynamic-row-asymmetric
    if shared == 3:
      high = torch.amax(input, [-1], True)
      low = torch.amin(input, [-1], True)
      middle = torch.mul(torch.add(low, high), 0.5)
      range = torch.clamp_min(torch.mul(torch.sub(high, low), 0.003937007874015748), 1.0e-14)
      prepared = (3, __torch__.monoquant.shared_rows(torch.sub(input, middle), range, 128), range, middle, 1., 128)
    #end
    #end
    return prepared
  def linear_of(self: __torch__.monoquant.Weight,
    input: Tensor,
    prepared: Tuple[int, Tensor, Tensor, Tensor, float, int],
    bias: Optional[Tensor]) -> Tensor:
    #if int8
    mode, codes, range, middle, step, zero = prepared
    if mode == self.mode and self.units is None and self.dtype == 6:
      product = __torch__.monoquant.shared_product(codes, step, zero, unchecked_cast(Pack, self.pack), self.scale, self.zeros, self.offsets)
      if mode == 2:
        if bias is None:
          return torch.mul_(product, range)
        return torch.addcmul(bias, product, range)
      if mode == 3:
        product = torch.addcmul_(torch.mul_(product, range), middle, self.sums)
      if self.bound or bias is None:
        return product
      return torch.add_(product, bias)
    #end
    return self.linear(input, bias)
