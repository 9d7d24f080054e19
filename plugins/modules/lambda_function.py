#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Module stateful.aws.lambda_function."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_function
short_description: Manage a Lambda function whose code is a directory
version_added: 1.0.0
description:
  - Creates, changes or deletes a Lambda function and the permissions to invoke it.
  - The code is zipped from a directory together with pure Python requirements, always into the same bytes, and is
    uploaded only when its hash differs from the one that Lambda reports.
  - A function of that name that does not carry the cluster's tag is refused, never changed.
options:
  name:
    description: Name of the function; longer than 64 characters it is cut, with a hash of the whole.
    type: str
    required: true
  role:
    description: ARN of the execution role. Required when O(state=present).
    type: str
  handler:
    description: Dotted path of a Python file in O(source) and of the function in it. Required when O(state=present).
    type: str
  runtime:
    description: The runtime.
    type: str
    default: python3.13
  architecture:
    description: The processor's architecture.
    type: str
    choices: [arm64, x86_64]
    default: arm64
  source:
    description:
      - Directory that holds the code. Required when O(state=present).
      - Left out are C(__pycache__), C(tests), hidden files and what O(exclude) names.
    type: path
  requirements:
    description:
      - Python distributions to add, with what they depend on, as pip's requirement specifiers.
      - They are copied from those installed beside Ansible; only Python and data files are, never compiled ones.
      - C(boto3) and C(botocore) are left out because the runtime has them.
    type: list
    elements: str
    default: []
  exclude:
    description: Patterns of files in O(source) to leave out, matched with the path and with the file's name.
    type: list
    elements: str
    default: ["*.j2", requirements.txt]
  timeout:
    description: Seconds (1 to 900) after which an invocation is ended.
    type: int
  memory_size:
    description: Memory in MB.
    type: int
  environment:
    description: Environment variables, replaced as a whole. Names that begin with C(AWS_) are Lambda's own.
    type: dict
  subnet_ids:
    description:
      - Subnets in which the function runs; needs O(security_group_ids).
      - Two empty lists take the function out of its VPC.
    type: list
    elements: str
  security_group_ids:
    description: Security groups of the function; needs O(subnet_ids).
    type: list
    elements: str
  log_group:
    description: Name of the log group, when it is not C(/aws/lambda/NAME).
    type: str
  reserved_concurrency:
    description: How many invocations may run at once; V(-1) for no reservation.
    type: int
  tracing:
    description: How X-Ray traces invocations.
    type: str
    choices: [Active, PassThrough]
  description:
    description: Description of the function.
    type: str
  permissions:
    description:
      - Who may invoke the function; statements not in this list are removed.
      - Existing permissions stay untouched when this is not set.
    type: list
    elements: dict
    suboptions:
      statement_id:
        description: Id of the statement.
        type: str
        required: true
      principal:
        description: Service or account, such as V(apigateway.amazonaws.com).
        type: str
        required: true
      action:
        description: The action allowed.
        type: str
        default: lambda:InvokeFunction
      source_arn:
        description: ARN, or a pattern of ARNs, of what invokes it.
        type: str
      source_account:
        description: Account that owns what invokes it.
        type: str
notes:
  - "A function in a VPC leaves network interfaces behind, which AWS removes 20 to 45 minutes after the function is
    gone; until then its security groups and subnets cannot be deleted (C(DependencyViolation)). This module waits
    until the function is gone, not for the interfaces."
  - A function that AWS could not create (state C(Failed)) is deleted and created again by the next run.
  - "IAM actions: C(lambda:GetFunction), C(lambda:GetPolicy); to write C(lambda:CreateFunction),
    C(lambda:UpdateFunctionCode), C(lambda:UpdateFunctionConfiguration), C(lambda:PutFunctionConcurrency),
    C(lambda:DeleteFunctionConcurrency), C(lambda:AddPermission), C(lambda:RemovePermission), C(lambda:TagResource),
    C(lambda:UntagResource), C(iam:PassRole) on the role; to delete C(lambda:DeleteFunction)."
extends_documentation_fragment:
  - stateful.aws.resource
  - stateful.aws.resource.tags
  - stateful.aws.resource.attributes
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
author:
  - The stateful.aws maintainers
"""

EXAMPLES = r"""
- name: The function that reads the cluster's state
  stateful.aws.lambda_function:
    cluster: demo
    component: scaling
    name: stateful-demo-fetch
    role: arn:aws:iam::123456789012:role/stateful/demo/stateful-demo-fetch
    source: lambda_files
    requirements: [requests]
    handler: fetch.handler.handler
    timeout: 60
    memory_size: 256
    environment:
      STATEFUL_CLUSTER: demo

- name: Let one REST API invoke the join function
  stateful.aws.lambda_function:
    cluster: demo
    component: join
    name: stateful-demo-join
    role: "{{ join_role.iam_role.role_arn }}"
    source: lambda_files
    requirements: [requests]
    handler: join.handler.handler
    permissions:
      - statement_id: api
        principal: apigateway.amazonaws.com
        source_arn: "{{ api.apigateway_rest_api.execute_arn }}"

- name: Delete a function
  stateful.aws.lambda_function:
    cluster: demo
    name: stateful-demo-fetch
    state: absent
"""

RETURN = r"""
lambda_function:
  description: The function; empty when it is absent.
  returned: always
  type: dict
  contains:
    function_name:
      description: Its real name.
      type: str
      sample: stateful-demo-fetch
    function_arn:
      description: Its ARN, without a version.
      type: str
      sample: arn:aws:lambda:us-east-1:123456789012:function:stateful-demo-fetch
    state:
      description: Its state.
      type: str
      sample: Active
    code_sha256:
      description: Base64 of its zip's SHA-256 hash.
      type: str
    role:
      description: ARN of its execution role.
      type: str
    handler:
      description: Its handler.
      type: str
    runtime:
      description: Its runtime.
      type: str
    architecture:
      description: Its architecture.
      type: str
    timeout:
      description: Its timeout in seconds.
      type: int
    memory_size:
      description: Its memory in MB.
      type: int
    description:
      description: Its description.
      type: str
    environment:
      description: Its environment variables.
      type: dict
    subnet_ids:
      description: Its subnets; empty outside a VPC.
      type: list
    security_group_ids:
      description: Its security groups.
      type: list
    log_group:
      description: Its log group.
      type: str
    tracing:
      description: Its tracing mode.
      type: str
    reserved_concurrency:
      description: Its reserved concurrency, -1 without one.
      type: int
    permissions:
      description: Who may invoke it, when O(permissions) was given.
      type: list
    tags:
      description: Its tags.
      type: dict
actions:
  description: The AWS calls that changed something, or in check mode would, each with its reason.
  returned: always
  type: list
  elements: dict
  sample: [{"action": "lambda:UpdateFunctionCode", "reason": "run the present code"}]
api_calls:
  description: Number of AWS calls made, reads included.
  returned: always
  type: int
"""

from ansible_collections.stateful.aws.plugins.module_utils._engine.run import run_module
from ansible_collections.stateful.aws.plugins.module_utils._resources.lambda_function import RESOURCE


def main() -> None:
    """Run the module."""
    run_module(RESOURCE)


if __name__ == "__main__":
    main()
