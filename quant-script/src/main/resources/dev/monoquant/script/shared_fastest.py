# Inputs that several weights share are numbers: the kernel makes their codes itself.
def shared_codes(input: Tensor,
    step: float,
    zero: int) -> Tensor:
  return input
def shared_rows(input: Tensor,
    range: Tensor,
    zero: int) -> Tensor:
  return torch.div(input, range)
def shared_product(codes: Tensor,
    step: float,
    zero: int,
    pack: Pack,
    scale: Tensor,
    zeros: Tensor,
    offsets: Optional[Tensor]) -> Tensor:
  return ops.quantized.linear_with_input_q_dq_qweight_dq_output_fp32(codes, step, zero, pack)
