"""Plain numpy evaluation of a QONNX graph of dense and convolutional layers.

It shares no code with any training or export framework: every node is computed by the few
lines below, in the precision asked for (float32 unless told otherwise), for a whole batch at
once. Use it to check a model file independently of the program that wrote it.

    python eval_reference.py MODEL.onnx --images t10k-images-idx3-ubyte \
        --labels t10k-labels-idx1-ubyte [--save LOGITS.npy]

Needs numpy and onnx (only to parse the file).
"""

import argparse
import struct

import numpy as np
import onnx
from onnx import numpy_helper


def attributes(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def round_by(mode, t):
    mode = mode.upper()
    if mode in ("ROUND", "HALF_EVEN"):
        return np.round(t)  # ties to even
    if mode == "FLOOR":
        return np.floor(t)
    if mode == "CEIL":
        return np.ceil(t)
    if mode in ("ROUND_TO_ZERO", "DOWN"):
        return np.trunc(t)
    raise ValueError(f"rounding mode {mode}")


def integer_range(bits, signed, narrow):
    if signed:
        top = 2 ** (bits - 1) - 1
        return (-top if narrow else -top - 1), top
    return 0, 2**bits - (2 if narrow else 1)


def quantize(x, scale, zero_point, bits, signed, narrow, mode):
    low, high = integer_range(int(bits), signed, narrow)
    t = x / scale + zero_point
    return (np.clip(round_by(mode, t), low, high) - zero_point) * scale


def windows(x, kernel, strides):
    """View of x [n, c, h, w] as [n, c, rows, columns, kernel height, kernel width]."""
    view = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    return view[:, :, ::strides[0], ::strides[1]]


def pad_spatial(x, pads, value):
    top, left, bottom, right = pads
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=value)


def require_defaults(a, *names):
    """Refuses the attributes that would change the result and are not computed here."""
    for name in names:
        if np.any(np.asarray(a.get(name, 1)) != 1):
            raise ValueError(f"{name} is not covered")
    if a.get("ceil_mode", 0) or a.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise ValueError("ceil_mode and auto_pad are not covered")


def convolve(x, w, a):
    require_defaults(a, "group", "dilations")
    x = pad_spatial(x, a.get("pads", [0] * 4), 0)
    taps = windows(x, w.shape[2:], a.get("strides", [1, 1]))
    # [n, rows, columns, c, kh, kw] by [c, kh, kw, outputs]
    return np.moveaxis(np.tensordot(taps, w, axes=((1, 4, 5), (1, 2, 3))), 3, 1)


def max_pool(x, a):
    require_defaults(a, "dilations")
    x = pad_spatial(x, a.get("pads", [0] * 4), -np.inf)
    return windows(x, a["kernel_shape"], a.get("strides", [1, 1])).max(axis=(4, 5))


def run(model, x, dtype=np.float32):
    """Outputs of `model` (an onnx.ModelProto) for the batch x; axis 0 of x is the batch."""
    graph = model.graph
    constants = set()
    values = {}

    def cast(a):
        a = np.asarray(a)
        return a.astype(dtype) if a.dtype.kind == "f" else a

    for init in graph.initializer:
        values[init.name] = cast(numpy_helper.to_array(init))
        constants.add(init.name)
    inputs = [i for i in graph.input if i.name not in constants]
    if len(inputs) != 1:
        raise ValueError("one graph input expected")
    values[inputs[0].name] = cast(x)

    for node in graph.node:
        a = attributes(node)
        v = [values[name] if name else None for name in node.input]
        op = node.op_type
        if op == "BipolarQuant":
            out = np.where(v[0] >= 0, dtype(1), dtype(-1)) * v[1]
        elif op in ("Quant", "IntQuant"):
            mode = a.get("rounding_mode", b"ROUND").decode()
            out = quantize(v[0], v[1], v[2], v[3], a.get("signed", 1), a.get("narrow", 0), mode)
        elif op == "Conv":
            out = convolve(v[0], v[1], a)
            if len(v) > 2:
                out = out + v[2].reshape(1, -1, 1, 1)
        elif op == "MaxPool":
            out = max_pool(v[0], a)
        elif op == "Pad":
            half = len(v[1]) // 2
            out = np.pad(v[0], list(zip(v[1][:half], v[1][half:])),
                         constant_values=v[2] if len(v) > 2 else 0)
        elif op == "Cast":
            out = cast(v[0].astype(onnx.helper.tensor_dtype_to_np_dtype(a["to"])))
        elif op == "MatMul":
            out = v[0] @ v[1]
        elif op == "Gemm":
            left = v[0].T if a.get("transA", 0) else v[0]
            right = v[1].T if a.get("transB", 0) else v[1]
            out = dtype(a.get("alpha", 1.0)) * (left @ right)
            if len(v) > 2:
                out = out + dtype(a.get("beta", 1.0)) * v[2]
        elif op == "BatchNormalization":
            shape = [1, -1] + [1] * (v[0].ndim - 2)
            gamma, beta, mean, var = (p.reshape(shape) for p in v[1:5])
            eps = dtype(a.get("epsilon", 1e-5))
            out = (v[0] - mean) / np.sqrt(var + eps) * gamma + beta
        elif op in ("Add", "Sub", "Mul", "Div", "Pow"):
            fn = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply,
                  "Div": np.divide, "Pow": np.power}[op]
            out = fn(v[0], v[1])
        elif op == "Relu":
            out = np.maximum(v[0], 0)
        elif op == "Identity":
            out = v[0]
        elif op == "Softmax":
            e = np.exp(v[0] - v[0].max(axis=a.get("axis", -1), keepdims=True))
            out = e / e.sum(axis=a.get("axis", -1), keepdims=True)
        elif op == "ArgMax":
            out = np.argmax(v[0], axis=a.get("axis", 0))
            if a.get("keepdims", 1):
                out = np.expand_dims(out, a.get("axis", 0))
        elif op == "Transpose":
            out = np.transpose(v[0], a.get("perm"))
        elif op == "Flatten":
            axis = a.get("axis", 1)
            out = v[0].reshape(int(np.prod(v[0].shape[:axis])), -1)
        elif op == "Reshape":
            target = [int(d) for d in v[1]]
            # a file made for batch 1 may hold the 1 as a constant
            if target[0] == 1 and v[0].shape[0] != 1:
                target[0] = v[0].shape[0]
            target = [v[0].shape[i] if d == 0 else d for i, d in enumerate(target)]
            out = v[0].reshape(target)
        elif op == "Shape":
            out = np.array(v[0].shape, dtype=np.int64)
        elif op == "Gather":
            out = np.take(v[0], v[1], axis=a.get("axis", 0))
        elif op == "Unsqueeze":
            axes = a["axes"] if "axes" in a else [int(i) for i in v[1]]
            out = np.expand_dims(v[0], tuple(axes))
        elif op == "Concat":
            out = np.concatenate(v, axis=a["axis"])
        elif op == "Constant":
            out = cast(numpy_helper.to_array(a["value"]))
        else:
            raise ValueError(f"operator {node.domain}.{op} is not covered")
        out = np.asarray(out)
        if out.dtype.kind == "f" and out.dtype != dtype:
            raise AssertionError(f"{op} left {np.dtype(dtype)}")
        values[node.output[0]] = out
    return [values[o.name] for o in graph.output]


def read_idx(path):
    with open(path, "rb") as f:
        magic, = struct.unpack(">I", f.read(4))
        shape = struct.unpack(f">{magic & 255}I", f.read(4 * (magic & 255)))
        return np.frombuffer(f.read(), dtype=np.uint8).reshape(shape)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("model")
    p.add_argument("--images", required=True)
    p.add_argument("--labels", required=True)
    p.add_argument("--save", help="write the float32 logits to this .npy file")
    args = p.parse_args()
    images = read_idx(args.images)
    labels = read_idx(args.labels)
    x = images.reshape(-1, 1, 28, 28).astype(np.float32) / np.float32(255)
    model = onnx.load(args.model)
    logits = np.concatenate([run(model, part)[0] for part in np.split(x, range(500, len(x), 500))])
    right = int((logits.argmax(axis=1) == labels).sum())
    print(f"{right} of {len(labels)} right ({100 * right / len(labels):.2f} %)")
    if args.save:
        np.save(args.save, logits)


if __name__ == "__main__":
    main()
