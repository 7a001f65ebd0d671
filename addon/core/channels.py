"""The channel vocabulary: ARKit's 52 blendshape names, head and eye rotation, and the groups that layers own."""

# Apple's ARFaceAnchor.BlendShapeLocation, in the order that Live Link Face sends them over UDP.
ARKIT = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
# Rotations are radians, signed as Live Link Face's eyes are (fitted on two takes): yaw is positive to the character's
# right, pitch positive down (a nod). Roll, which those takes lack, is positive towards the character's right shoulder.
HEAD = ("headYaw", "headPitch", "headRoll")
EYES = ("leftEyeYaw", "leftEyePitch", "rightEyeYaw", "rightEyePitch")
EYE_UNIT_RAD = 0.611  # 35 degrees: an eye's rotation when its eyeLook shape is 1 (pitch, two Live Link Face takes)
ALL = ARKIT + HEAD + EYES

MOVE_LIDS = ("eyeSquint", "eyeWide", "eyeLookUp", "eyeLookDown")  # beside eyeBlink, on either side

# Every channel belongs to exactly one group; a layer writes only the groups it owns, and blinks weaken looks too.
GROUPS: dict[str, tuple[str, ...]] = {
    "jaw": tuple(n for n in ARKIT if n.startswith("jaw")),
    "mouth": tuple(n for n in ARKIT if n.startswith("mouth") or n == "tongueOut"),
    "brows": tuple(n for n in ARKIT if n.startswith("brow")),
    "cheeks": tuple(n for n in ARKIT if n.startswith(("cheek", "nose"))),
    "lids": tuple(n for n in ARKIT if n.startswith(("eyeBlink", "eyeSquint", "eyeWide"))),
    "gaze": tuple(n for n in ARKIT if n.startswith("eyeLook")) + EYES,
    "head": HEAD,
}
