# unlearn in a container. The CPU:
#   docker build -t unlearn .
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" unlearn forget --model my-model --forget rows.jsonl --output runs/forget
# A GPU (the kernels are compiled by CUDA 13's nvcc, LibTorch brings CUDA's libraries along):
#   docker build -t unlearn:cuda --build-arg BUILD=nvidia/cuda:13.0.2-devel-ubuntu24.04 \
#     --build-arg RUN=ubuntu:24.04 --build-arg SETUP=--cuda .
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" -v "$PWD:/work" unlearn:cuda forget …
ARG BUILD=debian:12
ARG RUN=debian:12-slim

FROM ${BUILD} AS build
ARG SETUP=
WORKDIR /src
# First what changes seldom: packages and LibTorch.
COPY scripts/setup.sh scripts/
RUN scripts/setup.sh ${SETUP}
COPY . .
RUN TARGET=program scripts/build.sh && cmake --install build --prefix /opt/unlearn --strip
# What the program loads of the torch package: its libraries, and on a GPU all that those name.
RUN mkdir -p /opt/site && cp -r .venv/lib/python3*/site-packages/nvidia /opt/site/ && \
    mkdir /opt/site/torch && cp -r .venv/lib/python3*/site-packages/torch/version.py \
    .venv/lib/python3*/site-packages/torch/lib /opt/site/torch/ && \
    if [ "${SETUP}" != --cuda ]; then rm -f /opt/site/torch/lib/libtorch_cuda*.so; fi && \
    rm -f /opt/unlearn/lib/unlearn/torch_root /opt/site/torch/lib/libtorch_python.so

FROM ${RUN}
COPY --from=build /opt /opt
ENV UNLEARN_TORCH=/opt/site/torch NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN ln -s /opt/unlearn/bin/unlearn /usr/local/bin/unlearn
WORKDIR /work
ENTRYPOINT ["unlearn"]
CMD ["--help"]
